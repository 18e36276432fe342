import { Readable } from 'node:stream'
import { DomainError, parameterError } from '../domain/errors.ts'
import { type ArrayType, readArray } from '../domain/parameters/array.ts'
import { codecOf, runValueType } from '../domain/parameters/registry.ts'
import { type FileContent, type InputValue, provisionOf, type Run } from '../domain/run/run.ts'
import type { RunValue } from '../domain/run/run-value.ts'
import { LISTING_NAME, outputListingSchema } from '../domain/staging.ts'
import type { TaskInput } from '../domain/task/task.ts'
import { readAll } from '../formats/read-all.ts'
import { type ContentPlace, openFolderZip } from '../formats/zip/read-folder-zip.ts'
import type { ArchiveEntry } from '../formats/zip/stored-zip.ts'
import type { ObjectStore, RunRepository, TaskRepository } from '../ports.ts'
import { arrayEntries, arrayFolder, entriesOf, entryText, TREE_LIMITS } from './array-inputs.ts'
import { OUTPUTS_NAME } from './collect-outputs.ts'
import { findRunAndTask, parameterNamed } from './find-run.ts'
import { readInputText } from './input-files.ts'
import { findItemPlace } from './item-index.ts'
import { objectSource } from './object-source.ts'
import { requireIndexPath } from './provision-array.ts'

interface Dependencies {
  readonly objects: ObjectStore
  readonly runs: RunRepository
  readonly tasks: TaskRepository
}

/** A stored file (or folder) with the name that the container or a download knows it by. */
export type StoredFile = FileContent & { readonly name: string }

/** Inputs of a run in descriptor order (http-api 5.19). */
export async function listInputs(deps: Dependencies, runId: string): Promise<readonly RunValue[]> {
  const { run, task } = await findRunAndTask(deps, runId)
  if (run.state === 'CREATED') throw new DomainError('INTERNAL_INVALID_TASK_RUN_STATE')
  const stored = await storedInputs(deps, run)
  const values = await Promise.all(task.inputs.map((input) => listInput(deps, run, input, stored)))
  return values.filter((value) => value !== undefined)
}

type StoredInputs = ReadonlyMap<string, InputValue>

async function storedInputs(deps: Dependencies, run: Run): Promise<StoredInputs> {
  return new Map((await deps.runs.listInputs(run)).map((value) => [value.parameterName, value]))
}

async function listInput(
  deps: Dependencies,
  run: Run,
  input: TaskInput,
  stored: StoredInputs,
): Promise<RunValue | undefined> {
  const { name, type } = input
  const listed = { taskRunId: run.id, parameterName: name, type: runValueType(type.id) }
  if (type.id === 'array') {
    const entries = await arrayEntries(deps, run, name, type)
    if (entries.size === 0) return undefined
    const items = await readArray(
      {
        taskRunId: run.id,
        parameterName: name,
        folder: arrayFolder(entries, name),
        leaf: async (path, leafType) => {
          const entry = entries.get(`${name}/${path}`)
          const codec = codecOf(leafType)
          if (codec === undefined || entry === undefined) return undefined
          return codec.listInput(await entryText(entry), leafType)
        },
      },
      type,
    )
    return { ...listed, value: items, subType: runValueType(type.subType.id) }
  }
  const value = stored.get(name)
  if (value === undefined) return undefined
  const codec = codecOf(type)
  const text = codec === undefined ? undefined : await readInputText(deps, value.file)
  return { ...listed, value: codec === undefined || text === undefined ? null : codec.listInput(text, type) }
}

/** Entries of all inputs with their companions, in descriptor order, for `inputs.zip` (http-api 5.22). */
export async function listInputEntries(deps: Dependencies, runId: string): Promise<readonly ArchiveEntry[]> {
  const { run, task } = await findRunAndTask(deps, runId)
  if (run.state === 'CREATED') throw new DomainError('INTERNAL_INVALID_TASK_RUN_STATE')
  const stored = await storedInputs(deps, run)
  const entries = await Promise.all(
    task.inputs.map(async ({ name, type }) => {
      if (type.id === 'array') return [...(await arrayEntries(deps, run, name, type)).values()]
      const value = stored.get(name)
      if (value === undefined) return []
      const files = filesOf(value)
      return (await Promise.all(files.map((file) => entriesOf(deps, file.name, file)))).flat()
    }),
  )
  return entries.flat()
}

/** What the container finds of one input that is no array. */
export function filesOf({ parameterName, file, companion }: InputValue): readonly StoredFile[] {
  const named: StoredFile = { name: parameterName, ...file }
  return companion === undefined ? [named] : [named, { name: `${parameterName}.geojson`, ...companion }]
}

/**
 * One input's file, in any state; of an array the entries of its folder (http-api 5.20).
 * @param asGeojson the companion is wanted, where there is one
 * @throws DomainError STORAGE_READING_FILE_FAILED when nothing is stored
 */
export async function findInputFile(
  deps: Dependencies,
  runId: string,
  parameterName: string,
  asGeojson: boolean,
): Promise<StoredFile | readonly ArchiveEntry[]> {
  const { run, task } = await findRunAndTask(deps, runId)
  const input = requireNamed(task.inputs, parameterName)
  if (input.type.id === 'array') {
    const entries = await arrayEntries(deps, run, input.name, input.type)
    if (entries.size === 0) throw nothingStored(parameterName)
    return [...entries.values()]
  }
  const provision = provisionOf(run, input.name)
  const value =
    provision?.kind === 'value' ? await deps.runs.findInput(runId, input.name, provision.valueId) : undefined
  if (value === undefined) throw nothingStored(parameterName)
  return { name: input.name, ...((asGeojson ? value.companion : undefined) ?? value.file) }
}

/**
 * One item of an array input (http-api 5.21): a single file, or the entries of a folder named relative to the array's.
 * @throws DomainError INTERNAL_INVALID_INDEXES_PATTERN, STORAGE_READING_FILE_FAILED
 */
export async function findInputItem(
  deps: Dependencies,
  runId: string,
  parameterName: string,
  indexes: string | undefined,
): Promise<readonly ArchiveEntry[]> {
  const { run, task } = await findRunAndTask(deps, runId)
  const { name, type, path } = requireItem(task.inputs, parameterName, indexes)
  return itemEntries([...(await arrayEntries(deps, run, name, type)).values()], name, path)
}

/** The same of an output of a FINISHED run. */
export async function findOutputItem(
  deps: Dependencies,
  runId: string,
  parameterName: string,
  indexes: string | undefined,
): Promise<readonly ArchiveEntry[]> {
  const { run, task } = await findRunAndTask(deps, runId)
  const { name, path } = requireItem(task.outputs, parameterName, indexes)
  if (run.outputsPrefix === undefined) throw nothingStored(parameterName)
  const [index, ...inner] = path
  if (index !== undefined && inner.length === 0) {
    const place = await findItemPlace(deps.objects, `${run.outputsPrefix}${name}`, index)
    if (place === 'missing') throw nothingStored(parameterName)
    if (place !== undefined) return [placedEntry(deps, `${run.outputsPrefix}${name}`, String(index), place)]
  }
  const { key, sizeBytes } = await outputFile(deps, name, run.outputsPrefix)
  return itemEntries(await folderEntries(deps, key, sizeBytes), name, path)
}

function requireNamed<Named extends { readonly name: string }>(
  parameters: readonly Named[],
  parameterName: string,
): Named {
  const found = parameterNamed(parameters, parameterName)
  if (found === undefined) throw parameterError('INTERNAL_PARAMETER_DOES_NOT_EXIST', parameterName)
  return found
}

/** The array, and the place in it, that `indexes?value=` names. */
function requireItem(
  parameters: readonly TaskInput[],
  parameterName: string,
  indexes: string | undefined,
): { readonly name: string; readonly type: ArrayType; readonly path: readonly number[] } {
  const { name, type } = requireNamed(parameters, parameterName)
  if (type.id !== 'array') throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', name)
  return { name, type, path: requireIndexPath(indexes, name) }
}

/** Larger ones are streamed on their own. */
const SMALL_ENTRY_BYTES = 1024 * 1024

/**
 * Files of a folder that the stager packed. They may be opened one after the other only; in their order all small ones come
 * out of one request.
 */
async function folderEntries(
  deps: Dependencies,
  key: string,
  sizeBytes: number,
): Promise<readonly ArchiveEntry[]> {
  const source = objectSource(deps.objects, key, sizeBytes)
  const zip = await openFolderZip(source, TREE_LIMITS)
  return [...zip.names].map((name): ArchiveEntry => {
    const place = zip.place(name) ?? { offset: 0, sizeBytes: 0 }
    return {
      name,
      sizeBytes: place.sizeBytes,
      open: async () =>
        place.sizeBytes > SMALL_ENTRY_BYTES
          ? source.read(place.offset, place.sizeBytes)
          : Readable.from([await zip.read(name)]),
    }
  })
}

/** A stored file whose place in its zip is known. */
function placedEntry(deps: Dependencies, key: string, name: string, place: ContentPlace): ArchiveEntry {
  return {
    name,
    sizeBytes: place.sizeBytes,
    async open() {
      const body = await deps.objects.read(key, { start: place.offset, length: place.sizeBytes })
      if (body === undefined) throw nothingStored(name)
      return body
    },
  }
}

function itemEntries(
  entries: readonly ArchiveEntry[],
  parameterName: string,
  path: readonly number[],
): readonly ArchiveEntry[] {
  const item = `${parameterName}/${path.join('/')}`
  const found = entries
    .filter(({ name }) => name === item || name.startsWith(`${item}/`))
    .map((entry) => ({ ...entry, name: entry.name.slice(parameterName.length + 1) }))
  if (found.length === 0) throw nothingStored(parameterName)
  return found
}

/** The listing that collect-outputs wrote, as JSON text; visible from FINISHED on. */
export async function findOutputListing(deps: Dependencies, runId: string): Promise<StoredFile> {
  const { run } = await findRunAndTask(deps, runId)
  return outputFile(deps, OUTPUTS_NAME, finishedPrefix(run))
}

/** Entries of all outputs that were produced, in descriptor order, for `outputs.zip`. */
export async function listOutputEntries(deps: Dependencies, runId: string): Promise<readonly ArchiveEntry[]> {
  const { run, task } = await findRunAndTask(deps, runId)
  const prefix = finishedPrefix(run)
  const sizes = new Map<string, number>()
  for await (const { key, sizeBytes } of deps.objects.list(prefix)) {
    sizes.set(key.slice(prefix.length), sizeBytes)
  }
  const folders = await packedFolders(deps, prefix)
  const entries = await Promise.all(
    task.outputs.map(async ({ name }) => {
      const sizeBytes = sizes.get(name)
      if (sizeBytes === undefined) return []
      const key = `${prefix}${name}`
      if (folders.has(name)) return folderEntries(deps, key, sizeBytes)
      return entriesOf(deps, name, { kind: 'object', key, sizeBytes })
    }),
  )
  return entries.flat()
}

/** Outputs that were folders, and lie in the bucket as zips. */
async function packedFolders(deps: Dependencies, prefix: string): Promise<ReadonlySet<string>> {
  const listing = await deps.objects.read(`${prefix}${LISTING_NAME}`)
  if (listing === undefined) throw nothingStored(LISTING_NAME)
  const { entries } = outputListingSchema.parse(JSON.parse((await readAll(listing)).toString('utf8')))
  return new Set(entries.flatMap(({ name, kind }) => (kind === 'directory' ? [name] : [])))
}

/**
 * One output's file.
 * @throws DomainError STORAGE_READING_FILE_FAILED unless the run is FINISHED and wrote it (run-lifecycle 5)
 */
export async function findOutputFile(
  deps: Dependencies,
  runId: string,
  parameterName: string,
): Promise<StoredFile> {
  const { run, task } = await findRunAndTask(deps, runId)
  const output = requireNamed(task.outputs, parameterName)
  if (run.outputsPrefix === undefined) throw nothingStored(parameterName)
  return outputFile(deps, output.name, run.outputsPrefix)
}

function finishedPrefix(run: Run): string {
  if (run.state !== 'FINISHED' || run.outputsPrefix === undefined) {
    throw new DomainError('INTERNAL_INVALID_TASK_RUN_STATE')
  }
  return run.outputsPrefix
}

async function outputFile(
  deps: Dependencies,
  name: string,
  prefix: string,
): Promise<Extract<StoredFile, { kind: 'object' }>> {
  const key = `${prefix}${name}`
  const sizeBytes = await deps.objects.size(key)
  if (sizeBytes === undefined) throw nothingStored(name)
  return { kind: 'object', name, key, sizeBytes }
}

function nothingStored(parameterName: string): DomainError {
  return new DomainError('STORAGE_READING_FILE_FAILED', {
    type: 'related',
    parameterName,
    description: `Failed to read file ${parameterName}`,
  })
}

/** A stored file's bytes; of a folder, its zip. */
export async function openFile(deps: { readonly objects: ObjectStore }, file: StoredFile): Promise<Readable> {
  if (file.kind === 'inline') return Readable.from([Buffer.from(file.text)])
  const body = await deps.objects.read(file.key)
  if (body === undefined) throw nothingStored(file.name)
  return body
}
