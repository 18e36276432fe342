import { type DomainError, type ErrorName, parameterError } from '../../contract/errors.ts'
import { MAX_NAMES, quoted, someOf } from '../../contract/quoted.ts'
import { ARRAY_METADATA } from '../../contract/staging.ts'
import type { ParameterType } from '../task.ts'
import { readYaml } from '../yaml/yaml-document.ts'
import { type ArrayType, isIndexName, isSizeAllowed, sizeFault } from './array.ts'
import type { ListedValue } from './cut-strings.ts'
import { ItemProblems, isDomainError } from './item-problems.ts'
import { counted, shown } from './shown.ts'

/*
 * Arrays as folders: `array.yml` with the size, and one file or folder for each item (parameter-io 8.4).
 */

/** Access to the folder of an array. */
export interface ArrayFolder {
  /** Paths of all files, relative to the array's folder. */
  readonly paths: Iterable<string>
  /** Text of one of `paths`. */
  text(path: string): Promise<string>
}

/** How an array is read. */
interface ArrayReading {
  readonly folder: ArrayFolder
  readonly taskRunId: string
  readonly parameterName: string
  /** Value of a leaf in the listing; undefined for images and files, which have none. */
  leaf(path: string, type: ParameterType): Promise<ListedValue | undefined>
}

/** Index of an array's folder. */
interface Tree {
  /** Names below each folder. */
  readonly children: ReadonlyMap<string, ReadonlySet<string>>
  readonly files: ReadonlySet<string>
  readonly problems: ItemProblems
}

/**
 * Yields the items of an array as the JSON list of a listing (http-api 6.3), in pieces, after the checks of
 * parameter-io 8.4. Memory: one leaf. Files are read in this order: `array.yml` of a level, then its items by ascending
 * index, each with its content.
 * @returns the indexes at the top level
 * @throws DomainError at the end, naming the parameter and all invalid items
 */
export async function* listArrayItems(
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
  const problems = new ItemProblems(reading.parameterName)
  const indexes = yield* listLevel(reading, type, '', { children, files, problems })
  problems.throwAny()
  return indexes
}

async function* listLevel(
  reading: ArrayReading,
  type: ArrayType,
  folder: string,
  tree: Tree,
): AsyncGenerator<string, readonly number[], undefined> {
  const indexes = await collecting(tree.problems, folder, () => readIndexes(reading, type, folder, tree), [])
  let separator = '['
  for (const index of indexes) {
    const path = `${folder}${index}`
    if (type.subType.id === 'array') {
      const { taskRunId, parameterName } = reading
      const listed = { index, taskRunId, parameterName: `${parameterName}/${path}`, type: 'ARRAY' }
      yield `${separator}${JSON.stringify(listed).slice(0, -1)},"value":`
      yield* listLevel(reading, type.subType, `${path}/`, tree)
      yield `,"subType":"${type.subType.subType.id.toUpperCase()}"}`
    } else {
      const { subType } = type
      const value = await collecting(
        tree.problems,
        path,
        () => readLeaf(reading, path, subType, tree),
        undefined,
      )
      yield separator + JSON.stringify({ index, ...value })
    }
    separator = ','
  }
  yield separator === '[' ? '[]' : ']'
  return indexes
}

/** @returns `otherwise` when `work` throws a DomainError, which is collected */
async function collecting<Result>(
  problems: ItemProblems,
  path: string,
  work: () => Promise<Result>,
  otherwise: Result,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!isDomainError(error)) throw error
    problems.add(path, error)
    return otherwise
  }
}

async function readLeaf(
  { leaf, parameterName }: ArrayReading,
  path: string,
  type: ParameterType,
  { files }: Tree,
): Promise<ListedValue | undefined> {
  if (!files.has(path) && type.id !== 'image') {
    const words = `it is a folder; expected a file with a value of type ${type.id}`
    throw parameterError('INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_DIRECTORY', parameterName, words)
  }
  return leaf(path, type)
}

/** Indexes of a level, ascending, after checking its metadata and the type. */
async function readIndexes(
  { folder: { text }, parameterName }: ArrayReading,
  type: ArrayType,
  folder: string,
  { children, files }: Tree,
): Promise<readonly number[]> {
  const refuse = (error: ErrorName, words: string): DomainError => parameterError(error, parameterName, words)
  const names = children.get(folder) ?? new Set<string>()
  const indexes = [...names]
    .filter(isIndexName)
    .map(Number)
    .sort((a, b) => a - b)
  const path = `${folder}${ARRAY_METADATA}`
  if (!files.has(path)) {
    const words = `the folder has no ${ARRAY_METADATA}; expected one with the line "size: ${indexes.length}", ${foundNames(names)}`
    throw refuse('INTERNAL_MISSING_METADATA', words)
  }
  const size = parseMetadata(await text(path), refuse)
  const fault = namesFault(indexes, size, names, type)
  if (fault !== undefined) throw refuse('INTERNAL_INVALID_METADATA', fault)
  if (!isSizeAllowed(indexes.length, type)) {
    throw refuse('INTERNAL_INVALID_COLLECTION_DIMENSIONS', sizeFault(indexes.length, type))
  }
  return indexes
}

function foundNames(names: Iterable<string>): string {
  const found = [...names].sort()
  if (found.length === 0) return 'but the folder is empty'
  return `found ${someOf(
    found.slice(0, MAX_NAMES + 1).map((name) => quoted(name, 60)),
    MAX_NAMES,
  )}`
}

/** Problem of the items' names; undefined when they match the size. */
function namesFault(
  indexes: readonly number[],
  size: number,
  names: ReadonlySet<string>,
  { allowMissing }: ArrayType,
): string | undefined {
  const last = indexes.at(-1) ?? -1
  if (allowMissing ? last < size : indexes.length === size && last === size - 1) return undefined
  const known = new Set(indexes)
  const missing: string[] = []
  for (let index = 0; index < size && missing.length <= MAX_NAMES; index += 1) {
    if (!known.has(index)) missing.push(String(index))
  }
  const extra = indexes.filter((index) => index >= size).slice(0, MAX_NAMES + 1)
  const others = [...names].filter((name) => name !== ARRAY_METADATA && !isIndexName(name))
  return [
    `${ARRAY_METADATA} gives size ${size}, but the folder has ${counted(indexes.length, 'item')}`,
    ...(allowMissing || missing.length === 0 ? [] : [`missing: ${someOf(missing, MAX_NAMES)}`]),
    ...(extra.length === 0 ? [] : [`beyond the size: ${someOf(extra.map(String), MAX_NAMES)}`]),
    ...(others.length === 0 ? [] : [`${foundNames(others)}, which are not indexes`]),
    size === 0
      ? 'expected no item'
      : `expected the items ${size === 1 ? '0' : `0 to ${size - 1}`}, each a file (or folder) named by its index: no extension, no leading zero, counted from 0; a link that leaves the output folder counts as missing`,
  ].join('; ')
}

/** Form that nearly every task writes, read without the YAML parser: an array of arrays may have 100 000 of these files. */
const PLAIN_SIZE = /^\s*size\s*:\s+(\d{1,16})\s*$/u

/** Parses `size: 3` in any YAML form; other keys are ignored. */
function parseMetadata(text: string, refuse: (error: ErrorName, words: string) => DomainError): number {
  const expected = 'expected the line "size: N", N being the number of items'
  if (text.trim() === '') throw refuse('INTERNAL_MISSING_METADATA', `${ARRAY_METADATA} is empty; ${expected}`)
  const size = PLAIN_SIZE.exec(text)?.[1] ?? sizeInYaml(text)
  const number = typeof size === 'string' && isIndexName(size) ? Number(size) : size
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
    throw refuse('INTERNAL_INVALID_METADATA', `${ARRAY_METADATA} contains ${shown(text.trim())}; ${expected}`)
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
