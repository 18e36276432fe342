import { UUID } from '../src/contract/uuid.ts'
import { pathBelowBase } from './routes.ts'

/** All literal segments of the contract's paths. Add those of a new route; a test compares them with the route table. */
const LITERALS: ReadonlySet<string> = new Set([
  ...['tasks', 'install', 'logo', 'runs', 'placement', 'scan', 'descriptor.yml'],
  ...[
    'task-runs',
    'input-provisions',
    'indexes',
    'state-actions',
    'rerun',
    'inputs',
    'input',
    'outputs',
    'output',
  ],
  ...['inputs.zip', 'outputs.zip', 'rejected-outputs.zip', 'logs', 'staging', 'report', 'parts', 'urls'],
  ...['uploads', 'part-urls', 'complete', 'stores', 'default', 'events', 'ping'],
  ...['webhooks', 'run-sets', 'cancel', 'retry', 'outputs.csv', 'ro-crate.zip'],
  ...['schema', 'task.json', 'ui', 'config.json', 'assets'],
])

const MASK = '*'

/** Maximum number of segments, one more than the contract's longest path has. */
const MAX_SEGMENTS = 6

/**
 * Masks every segment of a path that is not a literal of the contract. One route has the run's secret in its path
 * (`POST task-runs/{id}/{secret}/outputs.zip`), and a client may write it elsewhere by mistake.
 */
export function routeOf(url: string): string {
  const [, ...segments] = pathBelowBase(url).split('/')
  if (segments.length === 0) return MASK
  const known = segments.slice(0, MAX_SEGMENTS).map((segment) => (LITERALS.has(segment) ? segment : MASK))
  return `/${known.join('/')}`
}

const RUN = new RegExp(`^/task-runs/(${UUID})(?:/|$)`, 'iu')

/** Run id in a path. A run's secret is not a UUID. */
export function runIdOf(url: string): string | undefined {
  return RUN.exec(pathBelowBase(url))?.[1]
}
