import { DomainError, parameterError } from '../domain/errors.ts'
import type { JsonValue } from '../domain/json.ts'
import { type ArrayType, readArrayItems } from '../domain/parameters/array.ts'
import { codecOf, runValueType } from '../domain/parameters/registry.ts'
import type { RunValue } from '../domain/run/run-value.ts'
import type { OutputEntry } from '../domain/staging.ts'
import type { ParameterType, TaskOutput } from '../domain/task/task.ts'
import { readAll } from '../formats/read-all.ts'
import { type ByteSource, bufferSource, sectionOf } from '../formats/zip/byte-source.ts'
import { type FolderZip, openFolderZip } from '../formats/zip/read-folder-zip.ts'
import { TREE_LIMITS } from './array-inputs.ts'
import { checkDicomFiles, checkDicomFolder, checkFile, checkImage } from './check-file-value.ts'
import { createItemIndex, type ItemIndex } from './item-index.ts'

/**
 * Text values are read whole, one at a time, so this bounds the memory of a collection; the Lambda has 1 GiB.
 * A larger text fails the run with a reason.
 */
const MAX_TEXT_BYTES = 64 * 1024 * 1024

/** Smaller images of an array are read with their neighbours, larger ones where their headers are. */
const SMALL_IMAGE_BYTES = 1024 * 1024

/** What a task wrote under an output's name. */
export interface Produced {
  readonly runId: string
  readonly output: TaskOutput
  readonly entry: OutputEntry
  readonly source: ByteSource
}

/** What is known of an array once all of it was read. */
export interface ListedArray {
  /** Indexes at the top level. */
  readonly indexes: ReadonlySet<number>
  /** Where the items lie, if a table of them pays. */
  readonly places: ItemIndex | undefined
}

/**
 * The output's entry of the listing (http-api 6.3) as JSON text, piece by piece: of an array one item is held at a time.
 * @returns what an array was found to be
 * @throws DomainError naming the parameter, for the first problem
 */
export async function* readOutput(
  produced: Produced,
): AsyncGenerator<string, ListedArray | undefined, undefined> {
  const { runId, output, entry } = produced
  const { name, type } = output
  if (entry.kind === 'directory' && type.id !== 'array' && type.id !== 'image') {
    throw parameterError('INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_DIRECTORY', name)
  }
  const listed = { taskRunId: runId, parameterName: name, type: runValueType(type.id) }
  if (type.id !== 'array') {
    const value: RunValue = { ...listed, value: (await readFile(produced)) ?? null }
    yield JSON.stringify(value)
    return undefined
  }
  // The same text as that of one RunValue.
  yield `${JSON.stringify(listed).slice(0, -1)},"value":[`
  const array = yield* readItems(produced, type)
  yield `],"subType":${JSON.stringify(runValueType(type.subType.id))}}`
  return array
}

/** @returns undefined for images and files, which listings show without a value */
async function readFile({ output, entry, source }: Produced): Promise<JsonValue | undefined> {
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
      )
  }
}

/** The stager packed the folder into one zip, items in the order of reading: one request fetches them all. */
async function* readItems(
  { runId, output, entry, source }: Produced,
  type: ArrayType,
): AsyncGenerator<string, ListedArray, undefined> {
  const { name } = output
  // A file where a folder is due has no array.yml.
  if (entry.kind !== 'directory') throw parameterError('INTERNAL_MISSING_METADATA', name)
  const zip = await openFolderZip(source, TREE_LIMITS)
  const indexes = new Set<number>()
  try {
    const reading = {
      taskRunId: runId,
      parameterName: name,
      folder: {
        paths: pathsIn(zip, name),
        text: async (path: string) => decodeUtf8(await readSmall(zip, name, path), name),
      },
      leaf: (path: string, leafType: ParameterType) => readItem(source, zip, name, path, leafType),
    }
    for await (const item of readArrayItems(reading, type)) {
      yield `${indexes.size === 0 ? '' : ','}${JSON.stringify(item)}`
      indexes.add(item.index)
    }
  } finally {
    zip.close()
  }
  return { indexes, places: createItemIndex(indexes, (index) => zip.place(`${name}/${index}`)) }
}

function* pathsIn(zip: FolderZip, parameterName: string): Generator<string> {
  for (const name of zip.names) yield name.slice(parameterName.length + 1)
}

async function readItem(
  source: ByteSource,
  zip: FolderZip,
  parameterName: string,
  path: string,
  type: ParameterType,
): Promise<JsonValue | undefined> {
  if (type.id !== 'file' && type.id !== 'image') {
    return readText(await readSmall(zip, parameterName, path, type), type, parameterName)
  }
  const place = zip.place(`${parameterName}/${path}`)
  if (place === undefined && type.id === 'image') {
    await checkDicomFiles(filesBelow(source, zip, `${parameterName}/${path}/`), type, parameterName)
    return undefined
  }
  if (place === undefined) {
    throw parameterError('INTERNAL_MISSING_OUTPUT_FILE_FOR_PARAMETER', parameterName)
  }
  if (type.id === 'file') checkFile(place.sizeBytes, type, parameterName)
  else if (place.sizeBytes > SMALL_IMAGE_BYTES) {
    await checkImage(sectionOf(source, place.offset, place.sizeBytes), type, parameterName)
  } else {
    await checkImage(bufferSource(await zip.read(`${parameterName}/${path}`)), type, parameterName)
  }
  return undefined
}

/** Files of a folder that is an item: a slide in DICOM. */
function filesBelow(source: ByteSource, zip: FolderZip, folder: string): readonly ByteSource[] {
  return [...zip.names].flatMap((name) => {
    const place = name.startsWith(folder) ? zip.place(name) : undefined
    return place === undefined ? [] : [sectionOf(source, place.offset, place.sizeBytes)]
  })
}

async function readSmall(
  zip: FolderZip,
  parameterName: string,
  path: string,
  type?: ParameterType,
): Promise<Buffer> {
  const place = zip.place(`${parameterName}/${path}`)
  if (place === undefined) {
    throw parameterError('INTERNAL_MISSING_OUTPUT_FILE_FOR_PARAMETER', parameterName)
  }
  checkTextSize(place.sizeBytes, type, parameterName)
  return zip.read(`${parameterName}/${path}`)
}

function checkTextSize(sizeBytes: number, type: ParameterType | undefined, parameterName: string): void {
  if (sizeBytes <= MAX_TEXT_BYTES) return
  throw parameterError(
    'INTERNAL_PARAMETER_VALIDATION_ERROR',
    parameterName,
    `the file has ${sizeBytes} bytes; a ${type?.id ?? 'text'} may have ${MAX_TEXT_BYTES}`,
  )
}

function readText(bytes: Buffer, type: ParameterType, parameterName: string): JsonValue | undefined {
  return codecOf(type)?.readOutput(decodeUtf8(bytes, parameterName), type, parameterName)
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function decodeUtf8(bytes: Buffer, parameterName: string): string {
  try {
    return utf8.decode(bytes)
  } catch (error) {
    throw new DomainError(
      'INTERNAL_PARAMETER_TYPE_ERROR',
      { type: 'parameter', parameterName },
      { cause: error },
    )
  }
}
