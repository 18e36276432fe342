import { type FolderZip, openFolderZip } from '../archive/folder-zip/read-folder-zip.ts'
import { type NamesBelow, namesBelow } from '../archive/zip/names-below.ts'
import { type DomainError, parameterError } from '../contract/errors.ts'
import type { JsonValue } from '../contract/json.ts'
import type { OutputEntry } from '../contract/staging.ts'
import { checkDicomFiles, checkDicomFolder, checkFile, checkImage } from '../inputs/check-file-value.ts'
import { decodeUtf8 } from '../inputs/decode-utf8.ts'
import { TREE_LIMITS } from '../inputs/folder-entries.ts'
import { createItemIndex, type ItemIndex } from '../inputs/item-index.ts'
import { type ByteSource, bufferSource, sectionOf } from '../shared/byte-source.ts'
import { readAll } from '../shared/read-all.ts'
import type { ArrayType } from '../task/parameters/array.ts'
import { listArrayItems } from '../task/parameters/array-folder.ts'
import { type ListedStrings, type ListedValue, WHOLE_STRING_BYTES } from '../task/parameters/cut-strings.ts'
import { codecOf, runValueType } from '../task/parameters/registry.ts'
import type { ParameterType, TaskOutput } from '../task/task.ts'
import { readStringOutput } from './read-string-output.ts'

/** Limit of `array.yml`, which needs about ten bytes. */
const MAX_METADATA_BYTES = 64 * 1024

/** Smaller images of an array are read with their neighbours; of larger ones only the header is read. */
const SMALL_IMAGE_BYTES = 1024 * 1024

/** An output as the task wrote it. */
export interface Produced {
  readonly runId: string
  readonly output: TaskOutput
  readonly entry: OutputEntry
  readonly source: ByteSource
  /** Strings of the listing that is written. */
  readonly strings: ListedStrings
  /** Sizes of files that are stored in another form than the task wrote. */
  readonly rewritten: RewrittenFiles
}

/** Stored sizes in bytes, by the file's path in the array; `''` for an output of one file. */
export type RewrittenFiles = Map<string, number>

/** Facts about an array that are known once all of it was read. */
export interface ListedArray {
  /** Indexes at the top level. */
  readonly indexes: ReadonlySet<number>
  /** Table of the item positions, for large arrays. */
  readonly places: ItemIndex | undefined
}

/**
 * Writes the output's entry of the listing (http-api 6.3) as JSON text, in pieces. Memory: one array item.
 * @returns facts about an array
 * @throws DomainError naming the parameter, for the first problem
 */
export async function* readOutput(
  produced: Produced,
): AsyncGenerator<string, ListedArray | undefined, undefined> {
  const { runId, output, entry } = produced
  const { name, type } = output
  if (entry.kind === 'directory' && type.id !== 'array' && type.id !== 'image') {
    throw isFolder(type, name)
  }
  const listed = { taskRunId: runId, parameterName: name, type: runValueType(type.id) }
  if (type.id === 'array') {
    yield `${JSON.stringify(listed).slice(0, -1)},"value":`
    const array = yield* readItems(produced, type)
    yield `,"subType":${JSON.stringify(runValueType(type.subType.id))}}`
    return array
  }
  yield JSON.stringify({ ...listed, ...(await listedOutput(produced)) })
  return undefined
}

async function listedOutput(produced: Produced): Promise<ListedValue> {
  const { output, source, strings } = produced
  const { name: parameterName, type } = output
  const file = { parameterName, sizeBytes: source.sizeBytes }
  if (type.id === 'string' && source.sizeBytes > WHOLE_STRING_BYTES) {
    return strings.showBeginning(await readStringOutput(source, type, parameterName), file)
  }
  const value = (await readFile(produced)) ?? null
  return isText(type, value) ? strings.show(value, file) : { value }
}

/** Whether a listing may shorten the value; a part of a geometry is useless. */
function isText(type: ParameterType, value: JsonValue): value is string {
  return typeof value === 'string' && (type.id === 'string' || type.id === 'enumeration')
}

/** @returns undefined for images and files, which listings show without a value */
async function readFile({ output, entry, source, rewritten }: Produced): Promise<JsonValue | undefined> {
  const { name, type } = output
  switch (type.id) {
    case 'image':
      if (entry.kind === 'directory') await checkDicomFolder(source, type, name)
      else await checkImage(source, type, name)
      return undefined
    case 'file':
      checkFile(source.sizeBytes, type, name)
      return undefined
    default:
      checkTextSize(source.sizeBytes, type, name)
      return readText(
        source.sizeBytes === 0 ? Buffer.alloc(0) : await readAll(await source.read(0, source.sizeBytes)),
        type,
        name,
        (stored) => void rewritten.set('', Buffer.byteLength(stored)),
      )
  }
}

/** Reads the items of a folder zip. Its entries are in reading order, so one request fetches them all. */
async function* readItems(
  produced: Produced,
  type: ArrayType,
): AsyncGenerator<string, ListedArray, undefined> {
  const { runId, output, entry, source } = produced
  const { name } = output
  // A file in place of a folder has no array.yml.
  if (entry.kind !== 'directory') {
    const words =
      'it is a file; expected a folder with array.yml (size: N) and one file for each item, named 0, 1, …'
    throw parameterError('INTERNAL_MISSING_METADATA', name, words)
  }
  const zip = await openFolderZip(source, TREE_LIMITS)
  const below = namesBelow(() => zip.names)
  let indexes: ReadonlySet<number>
  try {
    const reading = {
      taskRunId: runId,
      parameterName: name,
      folder: {
        paths: pathsIn(zip, name),
        text: async (path: string) => decodeUtf8(await readMetadata(zip, name, path), name),
      },
      leaf: (path: string, leafType: ParameterType) => readItem(produced, { zip, below }, path, leafType),
    }
    indexes = new Set(yield* listArrayItems(reading, type))
  } finally {
    zip.close()
  }
  return { indexes, places: createItemIndex(indexes, (index) => zip.place(`${name}/${index}`)) }
}

function* pathsIn(zip: FolderZip, parameterName: string): Generator<string> {
  for (const name of zip.names) yield name.slice(parameterName.length + 1)
}

/** Zip of an array's folder. */
interface ArrayZip {
  readonly zip: FolderZip
  readonly below: NamesBelow
}

async function readItem(
  { source, strings, rewritten, output: { name: parameterName } }: Produced,
  { zip, below }: ArrayZip,
  path: string,
  type: ParameterType,
): Promise<ListedValue | undefined> {
  if (type.id !== 'file' && type.id !== 'image') {
    const bytes = await readLeafFile(zip, parameterName, path, type)
    const value = readText(bytes, type, parameterName, (stored) => {
      rewritten.set(path, Buffer.byteLength(stored))
    })
    if (value === undefined) return undefined
    const file = { parameterName, path, sizeBytes: bytes.byteLength }
    return isText(type, value) ? strings.show(value, file) : { value }
  }
  const place = zip.place(`${parameterName}/${path}`)
  if (place === undefined && type.id === 'image') {
    const files = filesOf(source, zip, below(`${parameterName}/${path}/`))
    await checkDicomFiles(files, type, parameterName)
    return undefined
  }
  if (place === undefined) {
    throw itemFolder(type, parameterName)
  }
  if (type.id === 'file') checkFile(place.sizeBytes, type, parameterName)
  else if (place.sizeBytes > SMALL_IMAGE_BYTES) {
    await checkImage(sectionOf(source, place.offset, place.sizeBytes), type, parameterName)
  } else {
    await checkImage(bufferSource(await zip.read(`${parameterName}/${path}`)), type, parameterName)
  }
  return undefined
}

/** Error for a folder in place of a file. */
export function isFolder({ id }: ParameterType, parameterName: string): DomainError {
  const words = `it is a folder; expected a file with a value of type ${id}`
  return parameterError('INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_DIRECTORY', parameterName, words)
}

function itemFolder({ id }: ParameterType, parameterName: string): DomainError {
  const words = `it is not a file; expected a file with a value of type ${id}`
  return parameterError('INTERNAL_MISSING_OUTPUT_FILE_FOR_PARAMETER', parameterName, words)
}

function filesOf(source: ByteSource, zip: FolderZip, names: readonly string[]): readonly ByteSource[] {
  return names.flatMap((name) => {
    const place = zip.place(name)
    return place === undefined ? [] : [sectionOf(source, place.offset, place.sizeBytes)]
  })
}

async function readLeafFile(
  zip: FolderZip,
  parameterName: string,
  path: string,
  type: ParameterType,
): Promise<Buffer> {
  const place = zip.place(`${parameterName}/${path}`)
  if (place === undefined) {
    throw itemFolder(type, parameterName)
  }
  checkTextSize(place.sizeBytes, type, parameterName)
  return zip.read(`${parameterName}/${path}`)
}

async function readMetadata(zip: FolderZip, parameterName: string, path: string): Promise<Buffer> {
  const { sizeBytes = 0 } = zip.place(`${parameterName}/${path}`) ?? {}
  if (sizeBytes > MAX_METADATA_BYTES) {
    const words = `array.yml has ${sizeBytes} bytes; expected the line "size: N"`
    throw parameterError('INTERNAL_INVALID_METADATA', parameterName, words)
  }
  return zip.read(`${parameterName}/${path}`)
}

/** Checks the size of a text. Texts are read whole, one at a time, so this bounds memory; the Lambda has 1 GiB. */
function checkTextSize(sizeBytes: number, type: ParameterType, parameterName: string): void {
  const largest = codecOf(type)?.largestOutput
  if (largest === undefined || sizeBytes <= largest.bytes) return
  const words = `the file has ${sizeBytes} bytes; expected at most ${largest.bytes} for a value of type ${type.id}`
  throw parameterError(largest.error, parameterName, words)
}

/** @param rewrite receives the text to be stored when the type requires another form */
function readText(
  bytes: Buffer,
  type: ParameterType,
  parameterName: string,
  rewrite: (stored: string) => void,
): JsonValue | undefined {
  const text = decodeUtf8(bytes, parameterName)
  const value = codecOf(type)?.readOutput(text, type, parameterName)
  // Listings contain a geometry's text as it is stored, so the changed text replaces the file's.
  if (type.id === 'geometry' && typeof value === 'string' && value !== text.trim()) rewrite(value)
  return value
}
