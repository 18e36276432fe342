import { type Command, InvalidArgumentError } from 'commander'
import { createProgress } from '../progress.ts'
import { createSet, type NewSet, sendFiles, sharedRow } from '../run-set/create-set.ts'
import { followSet } from '../run-set/follow-set.ts'
import { checkTable, readTableFile, tableToSend } from '../run-set/input-table.ts'
import { saveSetArchive, saveSetTable } from '../run-set/save-set.ts'
import {
  hasEnded,
  listSetRuns,
  listSets,
  parseSet,
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

/** A call of a subcommand on one set. */
interface SetCall<Flags> {
  readonly terminal: Terminal
  readonly service: Service
  readonly id: string
  readonly flags: Flags & ServiceFlags
}

interface Waiting {
  readonly wait?: boolean
}

const SHOWS_PROGRESS = 'shows the progress until every run has ended'

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
    .description('checks a table, sends its files, and starts a run for each row')
    .argument('<task>', 'NAMESPACE/VERSION')
    .argument(
      '<table>',
      'CSV whose header names inputs, JSON lines, or a JSON array; a file is @PATH, from its folder',
    )
    .addOption(inputOption('value of an input of all rows, or its file: image=@slide.tif; once for each'))
    .option('--name <name>', 'what listings call the set')
    .option('--max-concurrency <number>', 'most runs at a time, 1 to 1000; 50 when not given', concurrencyOf)
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

/** Waits for the check of the table, or the end of the set, and shows it. */
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
        ['RUN SET', 'STATE', 'ROWS', 'FINISHED', 'FAILED', 'CREATED', 'TASK', 'NAME'],
        ...sets.map(({ id, state, rows, counts, createdAt, task, name }) => [
          ...[id, state, String(rows), String(counts.finished), String(counts.failed), createdAt],
          task === null || task === undefined ? '' : `${task.namespace}/${task.version}`,
          name ?? '',
        ]),
      ])
      return EXIT.success
    }),
  )
}

/** Adds a command on one set; options are added to what it returns. */
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
  onSet(place, 'wait', `${SHOWS_PROGRESS}; ends with 1 when one has failed`, ({ flags, ...call }) =>
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
  onSet<Waiting>(place, 'retry', 'runs the rows that failed once more', async (call) => {
    const { terminal, service, id, flags } = call
    const path = `run-sets/${id}/retry`
    const view = parseSet(await service.json(path, { method: 'POST', isRepeatable: true }))
    if (flags.wait === true) return follow(call)
    showSet(terminal, view)
    return EXIT.success
  }).option('--wait', SHOWS_PROGRESS)
  onSet(
    place,
    'cancel',
    'starts no further run and ends those that run',
    async ({ terminal, service, id }) => {
      const path = `run-sets/${id}/cancel`
      showSet(terminal, parseSet(await service.json(path, { method: 'POST', isRepeatable: true })))
      return EXIT.success
    },
  )
  onSet<{ readonly yes?: boolean }>(
    place,
    'delete',
    'deletes a set with its runs and files',
    async (call) => {
      const { terminal, service, id, flags } = call
      // The service counts an unknown set as deleted; a mistyped id must not.
      await service.call(`run-sets/${id}`)
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
  ).option('-y, --yes', 'do not ask')
}

function addDownloads(group: Command, perform: Perform): void {
  const place = { group, perform }
  onSet<{ readonly output?: string }>(
    place,
    'table',
    'downloads a CSV with a line for each row: state, reason, cost, inputs, and outputs that are no files',
    ({ flags, ...call }) => saveSetTable(call, flags.output),
  ).option('-o, --output <file>', 'file for the table; stdout when not given')
  onSet<{ readonly output: string }>(
    place,
    'archive',
    'downloads the outputs of all finished runs, a folder for each row',
    ({ flags, ...call }) => saveSetArchive(call, flags.output),
  ).requiredOption('-o, --output <folder or file>', 'folder for the files, or a .zip')
}

/** @throws InvalidArgumentError */
function concurrencyOf(text: string): number {
  const number = /^\d{1,4}$/u.test(text) ? Number(text) : 0
  if (number < 1 || number > 1000) throw new InvalidArgumentError('Expected an integer from 1 to 1000.')
  return number
}
