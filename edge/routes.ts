/** Prefix of all routes. */
export const BASE_PATH = '/app-engine/v1'

/** Values of the field `purpose` of an upload. */
export type UploadPurpose = 'task' | 'input'

/** A route whose body may exceed the API's limit. */
export interface BodyRoute {
  readonly purpose: UploadPurpose
  /** Number of a multipart body's first parts that are read. */
  readonly fileCount: 0 | 1 | 2
  /** Whether the body may be a JSON document. */
  readonly takesJson: boolean
  /** Whether the API may receive the same request twice. */
  readonly isRepeatable: boolean
  /** From the path, decoded. */
  readonly parameterName?: string
}

const PROVISION = /^\/task-runs\/[^/]+\/input-provisions(?:\/([^/]+)(?:\/indexes)?)?$/u

const INSTALL = /^\/tasks\/[^/]+\/[^/]+\/install$/u

/** @param url Path and query of the request. */
export function findBodyRoute(method: string | undefined, url: string): BodyRoute | undefined {
  const rest = pathBelowBase(url)
  if (method === 'POST' && rest === '/tasks') {
    return { purpose: 'task', fileCount: 1, takesJson: false, isRepeatable: false }
  }
  const provision = PROVISION.exec(rest)
  if (provision === null || (method !== 'PUT' && method !== 'POST')) return undefined
  const [, parameterName] = provision
  const input = { purpose: 'input', takesJson: true, isRepeatable: true } as const
  if (parameterName !== undefined) return { ...input, fileCount: 2, parameterName: decode(parameterName) }
  return method === 'PUT' ? { ...input, fileCount: 0 } : undefined
}

/** Whether the request installs a task from an app store. */
export function isInstallation(method: string | undefined, url: string): boolean {
  return method === 'POST' && INSTALL.test(pathBelowBase(url))
}

/** Whether the request asks for the stream of events, which the edge serves itself. */
export function isEvents(method: string | undefined, url: string): boolean {
  return method === 'GET' && pathBelowBase(url) === '/events'
}

/**
 * Whether the path contains `%2F`. No name of the contract has a slash. Servers that decode before routing would read another route:
 * `tasks/a%2F1.0.0`.
 */
export function hasEscapedSlash(url: string): boolean {
  return /^[^?]*%2f/iu.test(url)
}

/** All literal segments of the contract's paths. */
const WORDS: ReadonlySet<string> = new Set([
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

/** The contract's longest path, and one more. */
const MAX_SEGMENTS = 6

/**
 * Masks every segment of a path that is not a literal of the contract. One route has the run's secret in its path
 * (`POST task-runs/{id}/{secret}/outputs.zip`), and a client may write it elsewhere by mistake.
 */
export function routeOf(url: string): string {
  const [, ...segments] = pathBelowBase(url).split('/')
  if (segments.length === 0) return MASK
  const known = segments.slice(0, MAX_SEGMENTS).map((segment) => (WORDS.has(segment) ? segment : MASK))
  return `/${known.join('/')}`
}

const RUN = /^\/task-runs\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\/|$)/iu

/** Run id in a path. A run's secret is not a UUID. */
export function runIdOf(url: string): string | undefined {
  return RUN.exec(pathBelowBase(url))?.[1]
}

/** Without query; core doubles slashes in some paths (http-api 1.1). Empty for a path without the prefix. */
function pathBelowBase(url: string): string {
  const path = url.replace(/\?.*$/su, '').replace(/\/{2,}/gu, '/')
  return path.startsWith(`${BASE_PATH}/`) ? path.slice(BASE_PATH.length) : ''
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
