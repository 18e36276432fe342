import { type Command, InvalidArgumentError } from 'commander'
import { requireTaskReference } from '../service/names.ts'
import { type ServiceFlags, withService } from '../service/options.ts'
import { type RunRow, runListSchema, runPageSchema, taskSchema } from '../service/schemas.ts'
import { openService, type Service, ServiceRefusal } from '../service/service.ts'
import { usageError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { stateOf } from './option-values.ts'
import type { Perform } from './perform.ts'

/** Maximum of the service. */
const PAGE_SIZE = 200

interface Flags extends ServiceFlags {
  readonly state?: string
  readonly limit?: number
}

export function addRuns(program: Command, perform: Perform): void {
  const command = program
    .command('runs')
    .description('lists runs, the newest first')
    .argument('[task]', 'NAMESPACE/VERSION (default: all tasks)')
    .option('--state <state>', 'only runs in this state', stateOf)
    .option('--limit <number>', 'at most so many runs (default: all)', limitOf)
  withService(command).action((task: string | undefined, flags: Flags) =>
    perform(async (terminal) => {
      const service = await openService(flags)
      const { state, limit = Number.POSITIVE_INFINITY } = flags
      const runs = await listRuns(service, { task, state, limit })
      terminal.json(runs)
      terminal.table([['RUN', 'STATE', 'CREATED', 'TASK'], ...runs.map((run) => cellsOf(run, task))])
      return EXIT.success
    }),
  )
}

function cellsOf({ id, state, createdAt, created_at, task }: RunRow, asked = ''): readonly string[] {
  const name = task === null || task === undefined ? asked : `${task.namespace}/${task.version}`
  return [id, state, createdAt ?? created_at ?? '', name]
}

interface RunQuery {
  readonly task: string | undefined
  readonly state: string | undefined
  readonly limit: number
}

async function listRuns(service: Service, query: RunQuery): Promise<readonly RunRow[]> {
  if (query.task !== undefined) return listRunsOf(service, query.task, query)
  try {
    return await collectRuns(service, '', query)
  } catch (error) {
    const isUnknown = error instanceof ServiceRefusal && (error.status === 404 || error.status === 405)
    if (isUnknown) throw usageError('this service lists runs by task only: add NAMESPACE/VERSION of a task')
    throw error
  }
}

/** The runs of a task, from the listing of all runs: it has their times, which the task's own listing lacks. */
async function listRunsOf(service: Service, task: string, query: RunQuery): Promise<readonly RunRow[]> {
  const { namespace, version } = requireTaskReference(task)
  const path = `tasks/${namespace}/${version}`
  const { id } = await service.json(path, taskSchema)
  try {
    return await collectRuns(service, `&taskId=${id}`, query)
  } catch (error) {
    if (!(error instanceof ServiceRefusal)) throw error
    const rows = await service.json(`${path}/runs`, runListSchema)
    return rows
      .filter(({ state }) => query.state === undefined || state === query.state)
      .slice(0, query.limit)
  }
}

/** Reads pages of the listing of all runs. A page may have few runs or none although another page follows. */
async function collectRuns(
  service: Service,
  filter: string,
  { state, limit }: RunQuery,
): Promise<readonly RunRow[]> {
  const only = state === undefined ? filter : `${filter}&state=${state}`
  const rows: RunRow[] = []
  for (let from: string | undefined = ''; from !== undefined && rows.length < limit; ) {
    const path: string = `task-runs?limit=${Math.min(PAGE_SIZE, limit - rows.length)}${only}${from}`
    const { content, next } = await service.json(path, runPageSchema)
    rows.push(...content)
    from = next === null || next === undefined ? undefined : `&cursor=${encodeURIComponent(next)}`
  }
  return rows.slice(0, limit)
}

/** @throws InvalidArgumentError */
function limitOf(text: string): number {
  const number = /^\d{1,9}$/u.test(text) ? Number(text) : 0
  if (number < 1) throw new InvalidArgumentError('Expected an integer from 1.')
  return number
}
