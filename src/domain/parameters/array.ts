import { type DomainError, type ErrorName, parameterError } from '../errors.ts'
import type { JsonValue } from '../json.ts'
import type { ListedValue } from '../run/listed-strings.ts'
import type { ParameterType } from '../task/task.ts'
import { readYaml } from '../task/yaml-document.ts'
import type { TypeOf } from './parameter-codec.ts'
import { codecOf, nullErrorOf } from './registry.ts'

/*
 * Arrays as the contract has them (parameter-io 8): in JSON a list, plain or of `{index, value}`; in the container a folder with
 * `array.yml` and one file or folder an item.
 */

export type ArrayType = TypeOf<'array'>

/** A file of an array's folder. */
export interface ArrayFile {
  /** Relative to the array's folder, with `/`. */
  readonly path: string
  readonly text: string
}

/** Name of the file that tells an array's size. */
export const ARRAY_METADATA = 'array.yml'

/** What a checked list becomes. */
export interface ProvisionedArray {
  readonly files: readonly ArrayFile[]
  /** Indexes at the top level, ascending. */
  readonly indexes: readonly number[]
}

/**
 * Checks a whole array, or a sub-array, as a client sends it.
 * @throws DomainError naming the parameter: the first problem in the list's order.
 */
export function provisionArray(
  value: JsonValue,
  type: ArrayType,
  parameterName: string,
  folder = '',
): ProvisionedArray {
  const items = itemsOf(value, type, parameterName)
  const indexes = [...items.keys()].sort((a, b) => a - b)
  const size = (indexes.at(-1) ?? -1) + 1
  const hasForbiddenGap = size !== indexes.length && !type.allowMissing
  // An index beyond the largest size is refused here as it is for single items (8.3).
  if (hasForbiddenGap || !isSizeAllowed(indexes.length, type) || !isIndexAllowed(size - 1, type)) {
    throw parameterError('INTERNAL_INVALID_COLLECTION_DIMENSIONS', parameterName)
  }
  const files: ArrayFile[] = [{ path: `${folder}${ARRAY_METADATA}`, text: arrayMetadata(size) }]
  for (const index of indexes) {
    const item = items.get(index) ?? null
    for (const file of provisionItem(item, type.subType, parameterName, `${folder}${index}`)) files.push(file)
  }
  return { files, indexes }
}

/**
 * Checks one item: a leaf is one file, a sub-array several.
 * @throws DomainError naming the parameter
 */
export function provisionItem(
  value: JsonValue,
  type: ParameterType,
  parameterName: string,
  path: string,
): readonly ArrayFile[] {
  if (type.id === 'array') return provisionArray(value, type, parameterName, `${path}/`).files
  if (Array.isArray(value)) throw parameterError('INTERNAL_WRONG_PROVISION_STRUCTURE', parameterName)
  if (value === null) throw parameterError(nullErrorOf(type.id), parameterName)
  const codec = codecOf(type)
  // Images and files come as multipart bodies, never as JSON (8.2).
  if (codec === undefined) throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName)
  return [{ path, text: codec.provision(value, type, parameterName).fileText }]
}

function itemsOf(value: JsonValue, type: ArrayType, parameterName: string): ReadonlyMap<number, JsonValue> {
  const wrong = (): DomainError => parameterError('INTERNAL_WRONG_PROVISION_STRUCTURE', parameterName)
  if (!Array.isArray(value)) throw wrong()
  const list = value as readonly JsonValue[]
  // Too many are refused before any is looked at.
  if (type.maxSize !== undefined && list.length > type.maxSize) {
    throw parameterError('INTERNAL_INVALID_COLLECTION_DIMENSIONS', parameterName)
  }
  const items = new Map<number, JsonValue>()
  const isIndexed = list.length > 0 && list.every(hasIndex)
  if (!isIndexed && list.some(hasIndex)) throw wrong()
  list.forEach((element, position) => {
    const index = isIndexed ? indexOf(element) : position
    if (index === undefined || items.has(index)) throw wrong()
    items.set(index, isIndexed ? itemValue(element, wrong) : element)
  })
  return items
}

function hasIndex(element: JsonValue): boolean {
  return typeof element === 'object' && element !== null && Object.hasOwn(element, 'index')
}

function indexOf(element: JsonValue): number | undefined {
  const { index } = element as { readonly index: JsonValue }
  const number = typeof index === 'string' && INDEX.test(index) ? Number(index) : index
  return typeof number === 'number' && isIndex(number) ? number : undefined
}

function itemValue(element: JsonValue, wrong: () => DomainError): JsonValue {
  if (!Object.hasOwn(element as object, 'value')) throw wrong()
  return (element as { readonly value: JsonValue }).value
}

function isSizeAllowed(
  count: number,
  { minSize = 0, maxSize = Number.POSITIVE_INFINITY }: ArrayType,
): boolean {
  return count >= minSize && count <= maxSize
}

/** Whether an item may have this index as far as the largest size tells. */
export function isIndexAllowed(
  index: number,
  { maxSize = Number.POSITIVE_INFINITY }: Pick<ArrayType, 'maxSize'>,
): boolean {
  return index < maxSize
}

const INDEX = /^(?:0|[1-9][0-9]*)$/u

/** Whether a file or folder of an array is one of its items. */
export function isIndexName(name: string): boolean {
  return INDEX.test(name)
}

/** The size that goes with it has to be a number that is exact, too. */
function isIndex(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0 && Number.isSafeInteger(number + 1)
}

/** Content of `array.yml`. */
export function arrayMetadata(size: number): string {
  return `size: ${size}`
}

/** A size within bounds, and no gap unless the type allows it (run-lifecycle 4). */
export function isComplete(indexes: ReadonlySet<number>, type: ArrayType): boolean {
  if (!isSizeAllowed(indexes.size, type)) return false
  return type.allowMissing || sizeOf(indexes) === indexes.size
}

/** The highest index and 1; spread over the arguments of `Math.max`, 100 000 of them would overflow the stack. */
export function sizeOf(indexes: Iterable<number>): number {
  let size = 0
  for (const index of indexes) if (index >= size) size = index + 1
  return size
}

/** Type of the item at an index path; undefined when the path is deeper than the array. */
export function typeAt(type: ParameterType, path: readonly number[]): ParameterType | undefined {
  let found: ParameterType = type
  for (const _ of path) {
    if (found.id !== 'array') return undefined
    found = found.subType
  }
  return found
}

/**
 * An index path as `indexes?value=` has it, outermost first.
 * @returns undefined when it does not match the contract's pattern (http-api 5.17)
 */
export function parseIndexPath(text: string): readonly number[] | undefined {
  if (!/^(0(\/[0-9]+)*|[1-9][0-9]*(\/[0-9]+)*)$/u.test(text)) return undefined
  const path = text.split('/').map(Number)
  return path.every(isIndex) ? path : undefined
}

/** A folder that holds an array, wherever it lies. */
export interface ArrayFolder {
  /** Paths of all files, relative to the array's folder. */
  readonly paths: Iterable<string>
  /** A file's text; only for what `paths` names. */
  text(path: string): Promise<string>
}

/** What is read of an array, and how its leaves are. */
interface ArrayReading {
  readonly folder: ArrayFolder
  readonly taskRunId: string
  readonly parameterName: string
  /** What the listing shows of a leaf; undefined for images and files, of which it shows no value. */
  leaf(path: string, type: ParameterType): Promise<ListedValue | undefined>
}

/** Names below each folder. */
type Children = ReadonlyMap<string, ReadonlySet<string>>

/**
 * The items of an array as the JSON list of a listing (http-api 6.3), after the checks of parameter-io 8.4, piece by piece: one leaf
 * is held at a time, however deep it lies. Files are asked for in this order: `array.yml` of a level, then its items by ascending
 * index, each with what is below it.
 * @returns the indexes at the top level
 * @throws DomainError naming the parameter, its message the item
 */
export function listArrayItems(
  reading: ArrayReading,
  type: ArrayType,
): AsyncGenerator<string, readonly number[], undefined> {
  const children = new Map<string, Set<string>>()
  const files = new Set<string>()
  for (const path of reading.folder.paths) {
    files.add(path)
    for (let end = path.length; end > 0; ) {
      const start = path.lastIndexOf('/', end - 1)
      const folder = path.slice(0, start + 1)
      const known = children.get(folder)
      const name = path.slice(start + 1, end)
      if (known === undefined) children.set(folder, new Set([name]))
      else if (known.has(name)) break
      else known.add(name)
      end = start
    }
  }
  return listLevel(reading, type, '', children, files)
}

async function* listLevel(
  reading: ArrayReading,
  type: ArrayType,
  folder: string,
  children: Children,
  files: ReadonlySet<string>,
): AsyncGenerator<string, readonly number[], undefined> {
  const indexes = await readIndexes(reading, type, folder, children, files)
  let separator = '['
  for (const index of indexes) {
    const path = `${folder}${index}`
    if (type.subType.id === 'array') {
      const { taskRunId, parameterName } = reading
      const listed = { index, taskRunId, parameterName: `${parameterName}/${path}`, type: 'ARRAY' }
      yield `${separator}${JSON.stringify(listed).slice(0, -1)},"value":`
      yield* listLevel(reading, type.subType, `${path}/`, children, files)
      yield `,"subType":"${type.subType.subType.id.toUpperCase()}"}`
    } else {
      if (!files.has(path) && type.subType.id !== 'image') {
        throw itemError('INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_DIRECTORY', reading.parameterName, path)
      }
      const value = await readLeaf(reading, path, type.subType)
      yield separator + JSON.stringify({ index, ...value })
    }
    separator = ','
  }
  yield separator === '[' ? '[]' : ']'
  return indexes
}

/** Indexes of a level, ascending, when they agree with its metadata and the type. */
async function readIndexes(
  reading: ArrayReading,
  type: ArrayType,
  folder: string,
  children: Children,
  files: ReadonlySet<string>,
): Promise<readonly number[]> {
  const refuse = (error: ErrorName): DomainError => itemError(error, reading.parameterName, folder)
  if (!files.has(`${folder}${ARRAY_METADATA}`)) throw refuse('INTERNAL_MISSING_METADATA')
  const size = parseMetadata(await reading.folder.text(`${folder}${ARRAY_METADATA}`), refuse)
  const indexes = [...(children.get(folder) ?? [])]
    .filter(isIndexName)
    .map(Number)
    .sort((a, b) => a - b)
  const isConsistent = type.allowMissing
    ? (indexes.at(-1) ?? -1) < size
    : indexes.length === size && (indexes.at(-1) ?? -1) === size - 1
  if (!isConsistent) throw refuse('INTERNAL_INVALID_METADATA')
  if (!isSizeAllowed(indexes.length, type)) throw refuse('INTERNAL_INVALID_COLLECTION_DIMENSIONS')
  return indexes
}

async function readLeaf(
  reading: ArrayReading,
  path: string,
  type: ParameterType,
): Promise<ListedValue | undefined> {
  try {
    return await reading.leaf(path, type)
  } catch (error) {
    if (!isDomainError(error)) throw error
    throw itemError(error.error, reading.parameterName, path, error.message)
  }
}

function isDomainError(error: unknown): error is DomainError {
  return error instanceof Error && error.name === 'DomainError'
}

function itemError(error: ErrorName, parameterName: string, path: string, text?: string): DomainError {
  const plain = parameterError(error, parameterName, text)
  const item = path.replace(/\/$/u, '')
  return item === '' ? plain : parameterError(error, parameterName, `${plain.message} (item ${item})`)
}

/** What nearly every task writes: no need for a YAML parser 100 000 times. */
const PLAIN_SIZE = /^\s*size\s*:\s+(\d{1,16})\s*$/u

/** `size: 3`, as people and YAML libraries write it; other keys are not looked at. */
function parseMetadata(text: string, refuse: (error: ErrorName) => DomainError): number {
  if (text.trim() === '') throw refuse('INTERNAL_MISSING_METADATA')
  const size = PLAIN_SIZE.exec(text)?.[1] ?? sizeInYaml(text)
  const number = typeof size === 'string' && INDEX.test(size) ? Number(size) : size
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
    throw refuse('INTERNAL_INVALID_METADATA')
  }
  return number
}

function sizeInYaml(text: string): unknown {
  try {
    const { value, duplicateKeys } = readYaml(text)
    const isMapping = typeof value === 'object' && value !== null && Object.hasOwn(value, 'size')
    return isMapping && duplicateKeys.length === 0 ? (value as { readonly size: unknown }).size : undefined
  } catch (error) {
    if (isDomainError(error)) return undefined
    throw error
  }
}
