import type { ParameterType, TaskInput } from '../../api/types.ts'

/** Content of a field: text, a file, or items of an array. An empty text means no value. */
export type FieldValue = string | File | readonly FieldValue[]
export type FormValues = Readonly<Record<string, FieldValue>>

/** A value of the form in JSON; files are sent separately. */
type Json = null | boolean | number | string | readonly Json[]

export function emptyValue(type: ParameterType): FieldValue {
  return type.id === 'array' ? Array.from({ length: type.minSize ?? 0 }, () => emptyValue(type.subType)) : ''
}

/** Initial values of the form: the default values of the inputs. */
export function initialValues(inputs: readonly TaskInput[]): FormValues {
  return Object.fromEntries(inputs.map((input) => [input.name, initialValue(input)]))
}

/** An optional list starts without items. */
function initialValue({ default: given, type, optional }: TaskInput): FieldValue {
  if (given !== 'null') return given
  return optional && type.id === 'array' ? [] : emptyValue(type)
}

export function holdsFiles(type: ParameterType): boolean {
  return type.id === 'array' ? holdsFiles(type.subType) : type.id === 'image' || type.id === 'file'
}

const SPECIAL_NUMBERS: Readonly<Record<string, string>> = {
  nan: 'NaN',
  inf: 'Infinity',
  infinity: 'Infinity',
  '-inf': '-Infinity',
  '-infinity': '-Infinity',
}

/** JSON of a valid value. */
export function toJson(type: ParameterType, value: FieldValue): Json {
  if (Array.isArray(value))
    return type.id === 'array' ? value.map((item) => toJson(type.subType, item)) : null
  if (typeof value !== 'string') return null
  if (type.id === 'string') return value
  const text = value.trim()
  if (text === '') return null
  switch (type.id) {
    case 'boolean':
      return text === 'true'
    case 'integer':
      return Number(text)
    case 'number':
      return SPECIAL_NUMBERS[text.toLowerCase()] ?? Number(text)
    default:
      return text
  }
}

/** Whether the user entered no value. For a required string without a minimum length, the empty string is a value. */
export function isEmpty(type: ParameterType, value: FieldValue, isOptional: boolean): boolean {
  if (Array.isArray(value)) return isOptional && value.length === 0
  if (typeof value !== 'string') return false
  if (type.id === 'string') return value === '' && (isOptional || type.minLength > 0)
  return value.trim() === ''
}

/** Error message for a value; undefined when it is valid. The service validates again. */
export function problemOf(type: ParameterType, value: FieldValue, isOptional: boolean): string | undefined {
  if (isEmpty(type, value, isOptional)) return isOptional ? undefined : 'This input needs a value.'
  if (type.id === 'array') return arrayProblem(type, Array.isArray(value) ? value : [])
  if (typeof value !== 'string') return undefined
  switch (type.id) {
    case 'integer':
      return /^[-+]?\d+$/u.test(value.trim()) ? boundsProblem(type, Number(value)) : 'Enter a whole number.'
    case 'number':
      return numberProblem(type, value.trim())
    case 'string':
      return lengthProblem(type, value)
    case 'enumeration':
      return type.values.includes(value) ? undefined : 'Choose one of the values.'
    case 'datetime':
      return Number.isNaN(Date.parse(value)) ? 'Enter a time such as 2026-11-29T18:00:00Z.' : undefined
    case 'geometry':
      return geometryProblem(value)
    default:
      return undefined
  }
}

interface Bounds {
  readonly gt?: number
  readonly geq?: number
  readonly lt?: number
  readonly leq?: number
}

function boundsProblem({ gt, geq, lt, leq }: Bounds, value: number): string | undefined {
  if (gt !== undefined && value <= gt) return `It must be greater than ${gt}.`
  if (geq !== undefined && value < geq) return `It must be at least ${geq}.`
  if (lt !== undefined && value >= lt) return `It must be less than ${lt}.`
  if (leq !== undefined && value > leq) return `It must be at most ${leq}.`
  return undefined
}

function numberProblem(type: ParameterType & { readonly id: 'number' }, text: string): string | undefined {
  const special = SPECIAL_NUMBERS[text.toLowerCase()]
  if (special === 'NaN') return type.nanAllowed ? undefined : 'It must be a number; nan is not allowed.'
  const value = special === undefined ? Number(text) : Number(special)
  if (Number.isNaN(value)) return 'Enter a number.'
  if (!Number.isFinite(value) && !type.infinityAllowed) return 'It must be finite.'
  return boundsProblem(type, value)
}

function lengthProblem(
  { minLength, maxLength }: { minLength: number; maxLength?: number },
  text: string,
): string | undefined {
  const { length } = text
  if (length < minLength) return `It must have at least ${minLength} characters; it has ${length}.`
  if (maxLength !== undefined && length > maxLength)
    return `It must have at most ${maxLength} characters; it has ${length}.`
  return undefined
}

function geometryProblem(text: string): string | undefined {
  try {
    const value = JSON.parse(text) as { readonly type?: unknown } | null
    return typeof value?.type === 'string' ? undefined : 'It must be a GeoJSON geometry or feature.'
  } catch {
    return 'It is not JSON. Draw the geometry, or paste GeoJSON.'
  }
}

function arrayProblem(
  { minSize, maxSize, subType }: ParameterType & { readonly id: 'array' },
  items: readonly FieldValue[],
): string | undefined {
  if (items.length < (minSize ?? 0)) return `It must have at least ${minSize} items; it has ${items.length}.`
  if (maxSize !== undefined && items.length > maxSize)
    return `It must have at most ${maxSize} items; it has ${items.length}.`
  const at = items.findIndex((item) => problemOf(subType, item, false) !== undefined)
  const [bad] = at === -1 ? [] : items.slice(at, at + 1)
  return bad === undefined ? undefined : `Item ${at + 1}: ${problemOf(subType, bad, false)}`
}
