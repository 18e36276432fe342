import { Readable } from 'node:stream'
import pMap from 'p-map'
import * as z from 'zod'
import { type ArchiveEntry, storedZip } from '../archive/folder-zip/stored-zip.ts'
import { ZipFormatError } from '../archive/zip/zip-format-error.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import { DomainError } from '../contract/errors.ts'
import { MAX_ARCHIVE_RUNS } from '../contract/run-set-limits.ts'
import { runSetPrefix } from '../contract/storage-keys.ts'
import { OUTPUTS_NAME } from '../outputs/collect-outputs.ts'
import { readableEntries } from '../outputs/core-listing.ts'
import { listOutputEntries } from '../outputs/read-outputs.ts'
import type { Run } from '../run/run.ts'
import { isInTransition, type RunSet } from '../run/set/run-set.ts'
import { readAll } from '../shared/read-all.ts'
import type { Task } from '../task/task.ts'
import type { SetAndTask } from './create-runs.ts'
import type { Cell } from './row-table.ts'
import { type RowDependencies, type RowRun, readLatestRuns } from './rows-of-set.ts'
import { readShared, readTable } from './set-files.ts'

interface Dependencies extends RowDependencies {
  readonly objects: ObjectStore
}

/** Maximum number of runs whose outputs are read concurrently. */
const RUNS_AT_ONCE = 32

const SCALARS: ReadonlySet<string> = new Set([
  'boolean',
  'integer',
  'number',
  'string',
  'enumeration',
  'datetime',
])

const listingSchema = z.array(
  z.object({
    parameterName: z.string(),
    value: z.unknown(),
    // Size and path of the file of a truncated string; absent for all other values.
    sizeBytes: z.number().optional(),
    href: z.string().optional(),
  }),
)
type ListedOutput = z.infer<typeof listingSchema>[number]

/** Parameter name at the start of a listing's entry; it contains no character that JSON escapes. */
const NAME_IN_ENTRY = /"parameterName":"([^"]*)"/u

/**
 * Writes the results of a set as CSV: for each row its latest run, the state and failure of that run, the inputs of the row and
 * the scalar outputs. Memory: the scalar outputs of a hundred runs, and the table of inputs (32 MiB at most).
 * @returns the key of the table
 */
export async function writeSetTable(deps: Dependencies, found: SetAndTask): Promise<string> {
  const key = `${runSetPrefix(found.runSet.id)}outputs.csv`
  await deps.objects.write(key, Readable.from(tableLines(deps, found), { objectMode: true }), 'text/csv')
  return key
}

async function* tableLines(deps: Dependencies, { runSet, task }: SetAndTask): AsyncGenerator<Buffer> {
  const [rows, shared] = [await readTable(deps, runSet.id), await readShared(deps, runSet.id)]
  const inputs = [...new Set(rows.flatMap((row) => [...row.keys()]))]
  const outputs = task.outputs.filter(({ type }) => SCALARS.has(type.id)).map(({ name }) => name)
  const header = ['row', 'run', 'state', 'error', 'usd', ...inputs.map((name) => `input.${name}`)]
  yield lineOf([...header, ...outputs.map((name) => `output.${name}`)])
  for await (const found of readLatestRuns(deps, runSet)) {
    const lines = await pMap(
      found,
      async (one) => {
        const cells = inputs.map((name) => cellText(rows[one.row]?.get(name) ?? shared.get(name)))
        const values = await readScalars(deps, one.run, outputs)
        const facts = [String(one.row + 1), ...factsOf(runSet, one)]
        return lineOf([...facts, ...cells, ...outputs.map((name) => values.get(name) ?? '')])
      },
      { concurrency: RUNS_AT_ONCE },
    )
    yield Buffer.concat(lines)
  }
}

/** Id, state, error and cost of a row's run. */
function factsOf(runSet: RunSet, { run, round }: RowRun): readonly string[] {
  if (run !== undefined) {
    const [error = ''] = run.failure?.message.split('\n', 1) ?? []
    return [run.id, run.state, error, String(run.job?.usage?.usd ?? '')]
  }
  const isDue = isInTransition(runSet) && (round === 0 || round === runSet.round)
  if (isDue) return ['', 'WAITING', '', '']
  if (round > 0) return ['', 'DELETED', 'the run was deleted', '']
  if (runSet.phase === 'invalid') return ['', 'SKIPPED', 'the table was refused', '']
  return ['', 'SKIPPED', 'the run set ended before this row had a run', '']
}

/** Reads the scalar outputs. Arrays and geometries may have hundreds of megabytes, so they are dropped while reading. */
async function readScalars(
  { objects }: Dependencies,
  run: Run | undefined,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const outputsPrefix = run?.outputsPrefix
  if (outputsPrefix === undefined || names.length === 0) return new Map()
  const body = await objects.read(`${outputsPrefix}${OUTPUTS_NAME}`)
  if (body === undefined) return new Map()
  const entries = readableEntries(body, (head) => names.includes(NAME_IN_ENTRY.exec(head)?.[1] ?? ''))
  const listing = listingSchema.parse(JSON.parse((await readAll(entries)).toString('utf8')))
  return new Map(listing.map((output) => [output.parameterName, outputText(output)]))
}

/** Text of an output. Listings contain strings up to 1 MiB, and of longer ones the beginning. */
function outputText({ value, href, sizeBytes }: ListedOutput): string {
  const shown = typeof value === 'string' ? value : JSON.stringify(value)
  return href === undefined ? shown : `${shown} (truncated, ${sizeBytes} bytes: ${href})`
}

function cellText(cell: Cell | undefined): string {
  if (cell === undefined) return ''
  if ('text' in cell) return cell.text
  return typeof cell.json === 'string' ? cell.json : JSON.stringify(cell.json)
}

/** Characters that start a formula. East Asian spreadsheets accept the full-width signs too. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/u
/** Separators of other regions are quoted too, since a spreadsheet would start a new cell after them. */
const TO_BE_QUOTED = /[",;\t\r\n]/u

/**
 * A line of a CSV (RFC 4180). Tasks are untrusted, so a text that a spreadsheet would evaluate as a formula gets an apostrophe.
 */
function lineOf(cells: readonly string[]): Buffer {
  const fields = cells.map((cell) => {
    const isNumber = cell !== '' && Number.isFinite(Number(cell))
    const text = !isNumber && FORMULA.test(cell) ? `'${cell}` : cell
    return TO_BE_QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  })
  return Buffer.from(`${fields.join(',')}\r\n`)
}

/** Limits of one archive, as {@link MAX_ARCHIVE_RUNS}. */
const MAX_ARCHIVE_BYTES = 512 * 1024 * 1024
const MAX_ARCHIVE_FILES = 50_000
/** Maximum number of runs whose files are listed concurrently. Bounds the memory: each may have as many files as the archive. */
const LISTED_AT_ONCE = 8

/**
 * Writes the outputs of all FINISHED runs into one zip, a folder for each row.
 * @returns the key of the zip
 * @throws DomainError RUN_SET_INVALID_STATE when no run is FINISHED, or the outputs exceed the limits of one archive
 */
export async function writeSetArchive(deps: Dependencies, { runSet, task }: SetAndTask): Promise<string> {
  const entries: ArchiveEntry[] = []
  const limits = { runs: 0, bytes: 0, files: 0 }
  const listFolder = async ({ row, run }: RowRun): Promise<readonly ArchiveEntry[]> => {
    const folder = run === undefined ? [] : await folderOf(deps, task, row, run)
    limits.files += folder.length
    if (limits.files > MAX_ARCHIVE_FILES) throw tooManyFiles()
    return folder
  }
  for await (const found of readLatestRuns(deps, runSet)) {
    const finished = found.filter(({ run }) => run?.state === 'FINISHED')
    limits.runs += finished.length
    if (limits.runs > MAX_ARCHIVE_RUNS) throw tooMuch(`more than ${MAX_ARCHIVE_RUNS} runs are finished`)
    for (const entry of (await pMap(finished, listFolder, { concurrency: LISTED_AT_ONCE })).flat()) {
      limits.bytes += entry.sizeBytes
      entries.push(entry)
    }
    if (limits.bytes > MAX_ARCHIVE_BYTES)
      throw tooMuch(`the outputs have more than ${MAX_ARCHIVE_BYTES} bytes`)
  }
  if (entries.length === 0) throw refuse('none of its runs is FINISHED')
  const key = `${runSetPrefix(runSet.id)}outputs.zip`
  await deps.objects.write(key, storedZip(entries))
  return key
}

async function folderOf(
  deps: Dependencies,
  task: Task,
  row: number,
  run: Run,
): Promise<readonly ArchiveEntry[]> {
  try {
    const entries = await listOutputEntries(deps, { run, task }, MAX_ARCHIVE_FILES)
    return entries.map((entry) => ({ ...entry, name: `${row + 1}/${entry.name}` }))
  } catch (error) {
    throw error instanceof ZipFormatError && error.code === 'limit-exceeded' ? tooManyFiles() : error
  }
}

function refuse(words: string): DomainError {
  return new DomainError('RUN_SET_INVALID_STATE', undefined, { words })
}

function tooManyFiles(): DomainError {
  return tooMuch(`the outputs have more than ${MAX_ARCHIVE_FILES} files`)
}

function tooMuch(words: string): DomainError {
  return refuse(
    `${words}, too much for one archive; download outputs.zip of each run, which GET …/runs lists`,
  )
}
