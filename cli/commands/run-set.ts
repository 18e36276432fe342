import { type Command, InvalidArgumentError } from 'commander'
import { DEFAULT_CONCURRENCY, MAX_CONCURRENCY } from '../../src/contract/run-set-limits.ts'
import { createProgress } from '../../src/shared/progress.ts'
import { createSet, type NewSet, sendFiles, sharedRow } from '../run-set/create-set.ts'
import { followSet } from '../run-set/follow-set.ts'
import { checkTable, readTableFile, tableToSend } from '../run-set/input-table.ts'
import { saveSetArchive, saveSetTable } from '../run-set/save-set.ts'
import {
  hasEnded,
  listSetRuns,
  listSets,
  postSet,
  readSet,
  requireSetId,
  type SetRun,
  type SetView,
} from '../run-set/set-view.ts'
import { showProblems, showSet } from '../run-set/show-set.ts'
import { requireTaskReference } from '../service/names.ts'
import { type ServiceFlags, withService } from '../service/options.ts'
import { requireDescriptorOf } from '../service/remote-task.ts'
import { openService, type Service } from '../service/service.ts'
import { confirm } from '../terminal/confirm.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { inputOption, stateOf } from './option-values.ts'
import type { Perform } from './perform.ts'

/** A call of a subcommand for one set. */
interface SetCall<Flags> {
  readonly terminal: Terminal
  readonly service: Service
  readonly id: string
  readonly flags: Flags & ServiceFlags
}

interface Waiting {
  readonly wait?: boolean
}

const SHOWS_PROGRESS = 'shows the progress until all runs have ended'

export function addRunSet(program: Command, perform: Perform): void {
  const group = program
    .command('run-set')
    .description('runs a task on each row of a table; "run-set --help" lists its commands')
  addCreate(group, perform)
  addList(group, perform)
  addLooks(group, perform)
  addChanges(group, perform)
  addDownloads(group, perform)
}

interface CreateFlags extends ServiceFlags, Waiting {
  readonly input: readonly string[]
  readonly name?: string
  readonly maxConcurrency?: number
  readonly reuse?: boolean
}

function addCreate(group: Command, perform: Perform): void {
  const command = group
    .command('create')
    .description('checks a table, uploads its files, and starts a run for each row')
    .argument('<task>', 'NAMESPACE/VERSION')
    .argument(
      '<table>',
      'CSV whose header names inputs, JSON lines, or a JSON array; a file is @PATH, relative to the table',
    )
    .addOption(inputOption('value of an input for all rows, or its file: image=@slide.tif; repeatable'))
    .option('--name <name>', 'name of the set in listings')
    .option(
      '--max-concurrency <number>',
      `maximum number of concurrent runs, 1 to ${MAX_CONCURRENCY} (default ${DEFAULT_CONCURRENCY})`,
      concurrencyOf,
    )
    .option('--reuse', 'takes the outputs of finished runs with the same image and inputs')
    .option('--no-reuse', 'executes every row')
    .option('--wait', SHOWS_PROGRESS)
  withService(command).action((task: string, table: string, flags: CreateFlags) =>
    perform((terminal) => create(terminal, { task, table }, flags)),
  )
}

async function create(
  terminal: Terminal,
  named: { readonly task: string; readonly table: string },
  flags: CreateFlags,
): Promise<number> {
  const task = requireTaskReference(named.task)
  const read = await readTableFile(named.table)
  const service = await openService(flags)
  const descriptor = await requireDescriptorOf(service, task)
  const table = { ...read, shared: sharedRow(flags.input, descriptor) }
  const problems = await checkTable(descriptor, table)
  if (problems.length > 0) {
    showProblems(terminal, { count: problems.length, content: problems })
    return EXIT.failed
  }
  const progress = createProgress(terminal.stderr)
  const sent = await tableToSend(descriptor, table, (paths) => sendFiles(service, progress, paths))
  const { name, maxConcurrency, reuse } = flags
  const wanted: NewSet = { task, name, maxConcurrency, reuse }
  const { id } = await createSet(service, wanted, sent)
  terminal.note(`run set ${id}`)
  return follow({ terminal, service, id, flags })
}

/** Waits until the table is checked (with `--wait`: until the set has ended), then shows the set. */
async function follow({ terminal, service, id, flags }: SetCall<Waiting>): Promise<number> {
  const isReached = (view: SetView): boolean =>
    flags.wait === true ? hasEnded(view) : view.state !== 'VALIDATING'
  const view = await followSet(terminal, service, id, { isReached })
  showSet(terminal, view)
  return flags.wait === true || view.state === 'FAILED' ? endCode(view) : EXIT.success
}

function endCode({ state, counts }: SetView): number {
  return state === 'FINISHED' && counts.failed === 0 ? EXIT.success : EXIT.failed
}

function addList(group: Command, perform: Perform): void {
  const command = group.command('list').description('lists run sets, the newest first')
  withService(command).action((flags: ServiceFlags) =>
    perform(async (terminal) => {
      const sets = await Array.fromAsync(listSets(await openService(flags)))
      terminal.json(sets)
      terminal.table([
        ['RUN SET', 'STATE', 'ROWS', 'FINISHED', 'FAILED', 'SKIPPED', 'CREATED', 'TASK', 'NAME'],
        ...sets.map(({ id, state, rows, counts, createdAt, task, name }) => [
          ...[id, state, String(rows), String(counts.finished), String(counts.failed)],
          ...[String(counts.skipped), createdAt],
          task === null || task === undefined ? '' : `${task.namespace}/${task.version}`,
          name ?? '',
        ]),
      ])
      return EXIT.success
    }),
  )
}

/** Adds a subcommand for one set, and returns it so that options can be added. */
function onSet<Flags>(
  { group, perform }: { readonly group: Command; readonly perform: Perform },
  name: string,
  description: string,
  work: (call: SetCall<Flags>) => Promise<number>,
): Command {
  const command = group.command(name).description(description).argument('<set>', 'id of the run set')
  return withService(command).action((set: string, flags: Flags & ServiceFlags) =>
    perform(async (terminal) => {
      const id = requireSetId(set)
      return work({ terminal, service: await openService(flags), id, flags })
    }),
  )
}

function addLooks(group: Command, perform: Perform): void {
  const place = { group, perform }
  onSet(place, 'status', 'shows counts, failures by reason, and cost', async ({ terminal, service, id }) => {
    showSet(terminal, await readSet(service, id))
    return EXIT.success
  })
  onSet(place, 'wait', `${SHOWS_PROGRESS}; exits with 1 if one has failed`, ({ flags, ...call }) =>
    follow({ ...call, flags: { ...flags, wait: true } }),
  )
  onSet<{ readonly state?: string }>(place, 'runs', 'lists the latest run of each row', async (call) => {
    const { terminal, service, id, flags } = call
    const runs = await Array.fromAsync(listSetRuns(service, id, flags.state))
    terminal.json(runs)
    terminal.table([['ROW', 'RUN', 'STATE', 'REASON'], ...runs.map(cellsOf)])
    return EXIT.success
  }).option('--state <state>', 'only runs in this state', stateOf)
}

function cellsOf({ row, runId, state, error }: SetRun): readonly string[] {
  return [String(row), runId, state, error === undefined ? '' : `${error.kind}: ${error.message}`]
}

function addChanges(group: Command, perform: Perform): void {
  const place = { group, perform }
  onSet<Waiting>(place, 'retry', 'runs the failed rows again, and the skipped ones', async (call) => {
    const { terminal, service, id, flags } = call
    const view = await postSet(service, `run-sets/${id}/retry`)
    if (flags.wait === true) return follow(call)
    showSet(terminal, view)
    return EXIT.success
  }).option('--wait', SHOWS_PROGRESS)
  onSet(
    place,
    'cancel',
    'starts no more runs and cancels the active ones',
    async ({ terminal, service, id }) => {
      showSet(terminal, await postSet(service, `run-sets/${id}/cancel`))
      return EXIT.success
    },
  )
  onSet<{ readonly yes?: boolean }>(
    place,
    'delete',
    'deletes a set with its runs and files',
    async (call) => {
      const { terminal, service, id, flags } = call
      // The service answers 204 to the deletion of an unknown set, so a mistyped id is found here.
      await readSet(service, id)
      if (
        !(await confirm(`Delete the run set ${id} with all its runs and their files?`, flags.yes === true))
      ) {
        terminal.note('Nothing was deleted.')
        return EXIT.failed
      }
      await service.call(`run-sets/${id}`, { method: 'DELETE' })
      terminal.json({ deleted: id })
      terminal.print(`${id} is deleted`)
      return EXIT.success
    },
  ).option('-y, --yes', 'do not ask for confirmation')
}

function addDownloads(group: Command, perform: Perform): void {
  const place = { group, perform }
  onSet<{ readonly output?: string }>(
    place,
    'table',
    'downloads a CSV with a line for each row: state, reason, cost, inputs of the table, and scalar outputs',
    ({ flags, ...call }) => saveSetTable(call, flags.output),
  ).option('-o, --output <file>', 'file for the table (default: stdout)')
  onSet<{ readonly output: string }>(
    place,
    'archive',
    'downloads the outputs of all finished runs, into a folder for each row',
    ({ flags, ...call }) => saveSetArchive(call, flags.output),
  ).requiredOption('-o, --output <folder or file>', 'folder for the files, or a .zip')
}

/** @throws InvalidArgumentError */
function concurrencyOf(text: string): number {
  const number = /^\d{1,4}$/u.test(text) ? Number(text) : 0
  if (number < 1 || number > MAX_CONCURRENCY)
    throw new InvalidArgumentError(`Expected an integer from 1 to ${MAX_CONCURRENCY}.`)
  return number
}
