import { type DomainError, parameterError } from '../../contract/errors.ts'
import type { JsonValue } from '../../contract/json.ts'
import { ARRAY_METADATA } from '../../contract/staging.ts'
import type { ParameterType } from '../task.ts'
import { ItemProblems, isDomainError } from './item-problems.ts'
import type { TypeOf } from './parameter-codec.ts'
import { codecOf, nullErrorOf } from './registry.ts'
import { counted, shown } from './shown.ts'

/*
 * Arrays (parameter-io 8): in JSON a list of values or of `{index, value}`; in the container a folder with `array.yml` and one file or folder
 * for each item.
 */

export type ArrayType = TypeOf<'array'>

/** A file of an array's folder. */
export interface ArrayFile {
  /** Relative to the array's folder, with `/`. */
  readonly path: string
  readonly text: string
}

/** A valid array. */
export interface ProvisionedArray {
  readonly files: readonly ArrayFile[]
  /** Indexes at the top level, ascending. */
  readonly indexes: readonly number[]
}

/**
 * Checks an array or sub-array from a client.
 * @throws DomainError naming the parameter and all invalid items
 */
export function provisionArray(
  value: JsonValue,
  type: ArrayType,
  parameterName: string,
  folder = '',
): ProvisionedArray {
  const problems = new ItemProblems(parameterName)
  const checked = provisionLevel({ parameterName, problems }, value, type, folder)
  problems.throwAny()
  return checked
}

/**
 * Checks one item, a leaf or a sub-array.
 * @throws DomainError naming the parameter
 */
export function provisionItem(
  value: JsonValue,
  type: ParameterType,
  parameterName: string,
  path: string,
): readonly ArrayFile[] {
  if (type.id === 'array') return provisionArray(value, type, parameterName, `${path}/`).files
  return [{ path, text: leafText(value, type, parameterName) }]
}

interface Provisioning {
  readonly parameterName: string
  readonly problems: ItemProblems
}

/** Checks one level; problems below it are collected. @throws DomainError when the level itself is invalid */
function provisionLevel(
  provisioning: Provisioning,
  value: JsonValue,
  type: ArrayType,
  folder: string,
): ProvisionedArray {
  const { parameterName, problems } = provisioning
  const items = itemsOf(value, type, parameterName)
  const indexes = [...items.keys()].sort((a, b) => a - b)
  const size = (indexes.at(-1) ?? -1) + 1
  const fault = dimensionFault(indexes, size, type)
  if (fault !== undefined) {
    throw parameterError('INTERNAL_INVALID_COLLECTION_DIMENSIONS', parameterName, fault)
  }
  const files: ArrayFile[] = [{ path: `${folder}${ARRAY_METADATA}`, text: arrayMetadata(size) }]
  for (const index of indexes) {
    const item = items.get(index) ?? null
    const path = `${folder}${index}`
    try {
      if (type.subType.id !== 'array') files.push({ path, text: leafText(item, type.subType, parameterName) })
      else
        for (const file of provisionLevel(provisioning, item, type.subType, `${path}/`).files)
          files.push(file)
    } catch (error) {
      if (!isDomainError(error)) throw error
      problems.add(path, error)
    }
  }
  return { files, indexes }
}

function leafText(value: JsonValue, type: ParameterType, parameterName: string): string {
  if (Array.isArray(value)) {
    const words = `${shown(value)} is one level too deep; expected a value of type ${type.id}`
    throw parameterError('INTERNAL_WRONG_PROVISION_STRUCTURE', parameterName, words)
  }
  if (value === null) throw nullError(type, parameterName)
  const codec = codecOf(type)
  if (codec === undefined) throw notJson(type, parameterName)
  return codec.provision(value, type, parameterName).fileText
}

/** Error for a missing or null value. */
export function nullError({ id }: ParameterType, parameterName: string): DomainError {
  const words = `the value is null; expected a value of type ${id}, since this input is required`
  return parameterError(nullErrorOf(id), parameterName, words)
}

/** Error for images and files in JSON: they are sent as multipart bodies (8.2). */
export function notJson({ id }: ParameterType, parameterName: string): DomainError {
  const words = `a value of type ${id} cannot be sent as JSON; send its bytes as multipart/form-data, or name an upload`
  return parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName, words)
}

/** Problem of an array's size, of its largest index (8.3) or of a gap; undefined when there is none. */
function dimensionFault(indexes: readonly number[], size: number, type: ArrayType): string | undefined {
  if (!isSizeAllowed(indexes.length, type)) return sizeFault(indexes.length, type)
  if (!isIndexAllowed(size - 1, type)) return indexFault(size - 1, type)
  if (size === indexes.length || type.allowMissing) return undefined
  const gap = indexes.findIndex((index, position) => index !== position)
  return `index ${gap} is missing; expected all indexes from 0 to ${size - 1}, since allow_missing is not set`
}

/** Problem of an array's size. */
export function sizeFault(count: number, { minSize = 0, maxSize }: ArrayType): string {
  const most = maxSize === undefined ? '' : ` and at most ${maxSize} (max_size)`
  return `it has ${counted(count, 'item')}; expected at least ${minSize} (min_size)${most}`
}

/** Problem of an index. */
export function indexFault(index: number, { maxSize = 0 }: Pick<ArrayType, 'maxSize'>): string {
  return `index ${index} is too large; expected at most ${maxSize - 1}, since max_size is ${maxSize}`
}

const LIST_EXPECTED = 'expected a list of values, or of {"index": 0, "value": …}'

function itemsOf(value: JsonValue, type: ArrayType, parameterName: string): ReadonlyMap<number, JsonValue> {
  const wrong = (words: string): DomainError =>
    parameterError('INTERNAL_WRONG_PROVISION_STRUCTURE', parameterName, words)
  if (!Array.isArray(value)) throw wrong(`${shown(value)} is not a list; ${LIST_EXPECTED}`)
  const list = value as readonly JsonValue[]
  // The size is checked before any item.
  if (type.maxSize !== undefined && list.length > type.maxSize) {
    const words = sizeFault(list.length, type)
    throw parameterError('INTERNAL_INVALID_COLLECTION_DIMENSIONS', parameterName, words)
  }
  const items = new Map<number, JsonValue>()
  const isIndexed = list.length > 0 && list.every(hasIndex)
  if (!isIndexed && list.some(hasIndex)) throw wrong(`only some elements have an index; ${LIST_EXPECTED}`)
  list.forEach((element, position) => {
    const index = isIndexed ? indexOf(element) : position
    if (index === undefined) throw wrong(`${shown(givenIndex(element))} is not an index; expected 0, 1, 2, …`)
    if (items.has(index)) throw wrong(`index ${index} is given twice`)
    if (isIndexed && !Object.hasOwn(element as object, 'value')) {
      throw wrong(`the element with index ${index} has no value; expected {"index": ${index}, "value": …}`)
    }
    items.set(index, isIndexed ? (element as { readonly value: JsonValue }).value : element)
  })
  return items
}

function hasIndex(element: JsonValue): boolean {
  return typeof element === 'object' && element !== null && Object.hasOwn(element, 'index')
}

function givenIndex(element: JsonValue): JsonValue {
  return (element as { readonly index: JsonValue }).index
}

function indexOf(element: JsonValue): number | undefined {
  const index = givenIndex(element)
  const number = typeof index === 'string' && INDEX.test(index) ? Number(index) : index
  return typeof number === 'number' && isIndex(number) ? number : undefined
}

/** Whether the type allows this number of items. */
export function isSizeAllowed(
  count: number,
  { minSize = 0, maxSize = Number.POSITIVE_INFINITY }: ArrayType,
): boolean {
  return count >= minSize && count <= maxSize
}

/** Whether the largest size allows this index. */
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

/** Whether a number is an index: the array's size, index + 1, must be a safe integer too. */
function isIndex(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0 && Number.isSafeInteger(number + 1)
}

/** Content of `array.yml`. */
export function arrayMetadata(size: number): string {
  return `size: ${size}`
}

/** Whether the size is within bounds and gaps are allowed or absent (run-lifecycle 4). */
export function isComplete(indexes: ReadonlySet<number>, type: ArrayType): boolean {
  if (!isSizeAllowed(indexes.size, type)) return false
  return type.allowMissing || sizeOf(indexes) === indexes.size
}

/** Highest index + 1. A loop, because `Math.max` of 100 000 arguments overflows the stack. */
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
 * Parses an index path of `indexes?value=`, outermost first.
 * @returns undefined when it does not match the contract's pattern (http-api 5.17)
 */
export function parseIndexPath(text: string): readonly number[] | undefined {
  if (!/^(0(\/[0-9]+)*|[1-9][0-9]*(\/[0-9]+)*)$/u.test(text)) return undefined
  const path = text.split('/').map(Number)
  return path.every(isIndex) ? path : undefined
}
