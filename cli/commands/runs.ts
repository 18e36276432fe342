import type { Command } from 'commander'
import { requireTaskReference } from '../service/names.ts'
import { type ServiceFlags, withService } from '../service/options.ts'
import { type RunRow, runListSchema, runPageSchema, taskSchema } from '../service/schemas.ts'
import { openService, type Service, ServiceRefusal } from '../service/service.ts'
import { usageError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { stateOf } from './option-values.ts'
import type { Perform } from './perform.ts'

export function addRuns(program: Command, perform: Perform): void {
  const command = program
    .command('runs')
    .description('lists runs, the newest first')
    .argument('[task]', 'NAMESPACE/VERSION; without it the runs of all tasks')
    .option('--state <state>', 'only runs in this state', stateOf)
  withService(command).action((task: string | undefined, flags: ServiceFlags & { readonly state?: string }) =>
    perform(async (terminal) => {
      const service = await openService(flags)
      const all = await listRuns(service, task)
      const wanted = flags.state
      const runs = wanted === undefined ? all : all.filter(({ state }) => state === wanted)
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

async function listRuns(service: Service, task: string | undefined): Promise<readonly RunRow[]> {
  if (task !== undefined) return listRunsOf(service, task)
  try {
    return runListSchema.parse(await service.json('task-runs?limit=200'))
  } catch (error) {
    const isUnknown = error instanceof ServiceRefusal && (error.status === 404 || error.status === 405)
    if (isUnknown) throw usageError('this service lists runs by task only: name one, NAMESPACE/VERSION')
    throw error
  }
}

/** The runs of a task with their times, which its own listing leaves out. */
async function listRunsOf(service: Service, task: string): Promise<readonly RunRow[]> {
  const { namespace, version } = requireTaskReference(task)
  const path = `tasks/${namespace}/${version}`
  const { id } = taskSchema.parse(await service.json(path))
  const rows: RunRow[] = []
  try {
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const from: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const page = runPageSchema.parse(await service.json(`task-runs?taskId=${id}&limit=200${from}`))
      rows.push(...page.content)
      cursor = page.next ?? undefined
    }
    return rows
  } catch (error) {
    if (!(error instanceof ServiceRefusal)) throw error
    return runListSchema.parse(await service.json(`${path}/runs`))
  }
}
