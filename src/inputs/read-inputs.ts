import type { ObjectStore } from '../aws/object-store.ts'
import { findRunAndTask, type Repositories, type RunAndTask, stateError } from '../run/find-run.ts'
import { type FileContent, type InputValue, provisionOf, type Run } from '../run/run.ts'
import type { ParameterTypeId } from '../task/task.ts'
import { arrayEntries, entriesOf, type InputEntry, type StoredFile } from './array-inputs.ts'
import { itemName, itemProvisions } from './array-provisions.ts'
import { findItemPlace } from './item-index.ts'
import { type PreparedPlace, preparedInputKey } from './prepared-file.ts'
import { readAhead } from './read-ahead.ts'
import {
  BYTES_TYPE,
  type Download,
  itemDownload,
  noGeojson,
  nothingStored,
  type Packing,
  placedEntry,
  requireItem,
  requireNamed,
} from './run-files.ts'

interface Dependencies extends Repositories {
  readonly objects: ObjectStore
}

/** Files in the container of one input that is not an array. */
export function filesOf({ parameterName, file, companion }: InputValue): readonly StoredFile[] {
  const named: StoredFile = { name: parameterName, ...file }
  return companion === undefined ? [named] : [named, { name: `${parameterName}.geojson`, ...companion }]
}

/**
 * All inputs with their companions, in descriptor order, as `inputs.zip` (http-api 5.22).
 * @throws DomainError RUN_NOT_FOUND, INTERNAL_INVALID_TASK_RUN_STATE
 */
export async function packInputs(deps: Dependencies, runId: string): Promise<Packing> {
  const found = await findRunAndTask(deps, runId)
  const { run } = found
  if (run.state === 'CREATED')
    throw stateError(run.state, 'inputs can be read once all of them are provisioned (PROVISIONED)')
  const name = `inputs-${runId}.zip`
  return packing(run, 'inputs.zip', name, () => listInputEntries(deps, found))
}

/** Entries of all inputs with their companions, in descriptor order. */
export async function listInputEntries(
  deps: Pick<Dependencies, 'objects' | 'runs'>,
  { run, task }: RunAndTask,
): Promise<readonly InputEntry[]> {
  const stored = new Map((await deps.runs.listInputs(run)).map((value) => [value.parameterName, value]))
  const entries = await Promise.all(
    task.inputs.map(async ({ name, type }) => {
      if (type.id === 'array') return readAhead((await arrayEntries(deps, run, name, type)).values())
      const value = stored.get(name)
      if (value === undefined) return []
      const files = filesOf(value)
      return (await Promise.all(files.map((file) => entriesOf(deps, file.name, file)))).flat()
    }),
  )
  return entries.flat()
}

/** Types with GeoJSON: a geometry is GeoJSON, and an image or a file may have a companion. */
const TYPES_WITH_GEOJSON: ReadonlySet<ParameterTypeId> = new Set(['geometry', 'image', 'file'])

/**
 * One input's file, in any state (http-api 5.20).
 * @param asGeojson requests a geometry, or the companion of another type
 * @throws DomainError STORAGE_READING_FILE_FAILED when nothing is stored
 */
export async function findInputFile(
  deps: Dependencies,
  runId: string,
  parameterName: string,
  asGeojson: boolean,
): Promise<Download> {
  const { run, task } = await findRunAndTask(deps, runId)
  const { name, type } = requireNamed(task.inputs, parameterName)
  if (asGeojson && !TYPES_WITH_GEOJSON.has(type.id)) throw noGeojson(name)
  if (type.id === 'array' && itemProvisions(run, name).size > 0) {
    const entries = async () => readAhead((await arrayEntries(deps, run, name, type)).values())
    return packing(run, `${name}.zip`, name, entries)
  }
  const value = await wholeValue(deps, run, name)
  if (value === undefined) throw nothingStored(name)
  if (asGeojson && type.id !== 'geometry' && value.companion === undefined) throw noGeojson(name)
  const file = (asGeojson ? value.companion : undefined) ?? value.file
  // The client packed this zip: the names of its files do not start with the parameter's.
  if (file.kind === 'zip') return packing(run, `${name}.zip`, name, () => entriesOf(deps, name, file))
  const key = preparedInputKey(run, asGeojson ? `${name}.geojson` : `${name}.txt`)
  return fileDownload(file, { key, name, contentType: BYTES_TYPE })
}

/** @param place of an inline text, which is not an S3 object that could serve ranges */
function fileDownload(file: FileContent, place: PreparedPlace): Download {
  if (file.kind !== 'inline') return { ...file, name: place.name }
  const bytes = Buffer.from(file.text)
  return { kind: 'part', ...place, entry: { name: place.name, sizeBytes: bytes.byteLength, bytes } }
}

/**
 * One item of an array input (http-api 5.21).
 * @throws DomainError INTERNAL_INVALID_INDEXES_PATTERN, STORAGE_READING_FILE_FAILED
 */
export async function findInputItem(
  deps: Dependencies,
  runId: string,
  parameterName: string,
  indexes: string | undefined,
): Promise<Download> {
  const { run, task } = await findRunAndTask(deps, runId)
  const { name, type, path } = requireItem(task.inputs, parameterName, indexes)
  const item = itemName(name, path)
  const place = { key: preparedInputKey(run, item), name: item, contentType: BYTES_TYPE }
  return (
    (await findStoredItem(deps, run, { name, path, place })) ??
    itemDownload([...(await arrayEntries(deps, run, name, type)).values()], name, path, place)
  )
}

interface ArrayItem {
  /** Name of the array. */
  readonly name: string
  readonly path: readonly number[]
  readonly place: PreparedPlace
}

/**
 * Finds an item that is stored in one place: provisioned by itself, or contained in the whole array.
 * @returns undefined when it must be assembled or searched for
 */
async function findStoredItem(deps: Dependencies, run: Run, item: ArrayItem): Promise<Download | undefined> {
  const { name, path, place } = item
  const wanted = path.join('/')
  const related = [...itemProvisions(run, name)].filter(
    ([one]) => one === wanted || one.startsWith(`${wanted}/`) || wanted.startsWith(`${one}/`),
  )
  const [only, ...others] = related
  if (only === undefined) return findInWhole(deps, run, item)
  const [itemPath, { valueId }] = only
  if (others.length > 0 || itemPath !== wanted) return undefined
  const value = await deps.runs.findInput(run.id, itemName(name, path), valueId)
  if (value === undefined) return undefined
  const { file } = value
  if (file.kind === 'inline' || file.kind === 'object') return fileDownload(file, place)
  return itemDownload(await entriesOf(deps, value.parameterName, file), name, path, place)
}

async function findInWhole(
  deps: Dependencies,
  run: Run,
  { name, path, place }: ArrayItem,
): Promise<Download | undefined> {
  const file = (await wholeValue(deps, run, name))?.file
  if (file?.kind !== 'tree') throw nothingStored(name, path)
  const [index, ...inner] = path
  const found =
    index === undefined || inner.length > 0 ? undefined : await findItemPlace(deps.objects, file.key, index)
  if (found === 'missing') throw nothingStored(name, path)
  if (found !== undefined) {
    return { kind: 'part', ...place, entry: placedEntry(deps, file.key, place.name, found) }
  }
  return itemDownload(await entriesOf(deps, name, file), name, path, place)
}

/** Value of an input that was provisioned as a whole. */
async function wholeValue(deps: Dependencies, run: Run, name: string): Promise<InputValue | undefined> {
  const provision = provisionOf(run, name)
  return provision?.kind === 'value' ? deps.runs.findInput(run.id, name, provision.valueId) : undefined
}

function packing(run: Run, file: string, name: string, entries: Packing['entries']): Packing {
  return { kind: 'packing', key: preparedInputKey(run, file), name, contentType: BYTES_TYPE, entries }
}
