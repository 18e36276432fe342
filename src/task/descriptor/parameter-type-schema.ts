import * as z from 'zod'
import { MAX_ITEM_CHARACTERS } from '../parameters/enumeration.ts'
import { formatInstant, parseInstant } from '../parameters/instant.ts'
import type { ParameterType, ParameterTypeId } from '../task.ts'
import { must, mustMessage } from './descriptor-problem.ts'
import { keysOf, meantKey } from './known-keys.ts'
import { MEMORY_PATTERN, parseMemoryAmount } from './memory-amount.ts'

const MEMORY = 'a memory amount with a unit, such as "4Gi" or "100 MiB"'

/** A memory amount in bytes, rounded up. */
export const memoryBytes = z
  .string(must(MEMORY))
  .meta({ pattern: MEMORY_PATTERN })
  .transform((text, context) => {
    const amount = parseMemoryAmount(text)
    if (amount !== undefined) return amount.bytes
    context.addIssue({ code: 'custom', message: mustMessage(MEMORY, text), input: text })
    return z.NEVER
  })

/** `300.0` is an integer too, as in JSON Schema. */
export const integer = z
  .number(must('an integer'))
  .refine(Number.isInteger, must('an integer'))
  .meta({ type: 'integer' })
const number = z.number(must('a number'))
const flag = z.boolean(must('true or false'))

function bounds<Bound extends z.ZodType>(bound: Bound) {
  const optional = bound.exactOptional()
  return { gt: optional, geq: optional, lt: optional, leq: optional }
}

/** No file has 2^53 bytes, so a larger limit means the same as this one; a number represents it exactly. */
const fileSize = memoryBytes.transform((bytes) =>
  bytes > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(bytes),
)

function formats<const Format extends string>(...names: readonly Format[]) {
  const expected = `a list of one or more of ${names.join(', ')}`
  return z
    .array(z.enum(names, must(`one of ${names.join(', ')}`)), must(expected))
    .min(1, `must be ${expected}`)
}

const ENUMERATION_ITEM = `a line of 1 to ${MAX_ITEM_CHARACTERS} characters`
const enumerationItem = z
  .string(must(ENUMERATION_ITEM))
  .refine(
    (text) => /^[^\r\n]+$/u.test(text) && [...text].length <= MAX_ITEM_CHARACTERS,
    must(ENUMERATION_ITEM),
  )
  .meta({ pattern: '^[^\\r\\n]+$', maxLength: MAX_ITEM_CHARACTERS })

const INSTANT = 'a date-time with zone such as 2024-02-23T18:00:00Z'
const instant = z
  .string(must(INSTANT))
  .meta({ format: 'date-time' })
  .transform((text, context) => {
    const parsed = parseInstant(text)
    if (parsed !== undefined) return formatInstant(parsed)
    context.addIssue({ code: 'custom', message: mustMessage(INSTANT, text), input: text })
    return z.NEVER
  })

/** Long form of each type; unknown keys are ignored, as the official schema does, with a warning (descriptor-warnings.ts). */
export const TYPE_SCHEMAS: {
  readonly [Id in ParameterTypeId]: z.ZodType<Extract<ParameterType, { readonly id: Id }>>
} = {
  boolean: z.object({ id: z.literal('boolean') }),
  integer: z.object({ id: z.literal('integer'), ...bounds(integer) }),
  number: z
    .object({
      id: z.literal('number'),
      ...bounds(number),
      infinity_allowed: flag.default(false),
      nan_allowed: flag.default(false),
    })
    .transform(({ infinity_allowed: infinityAllowed, nan_allowed: nanAllowed, ...rest }) => ({
      ...rest,
      infinityAllowed,
      nanAllowed,
    })),
  string: z
    .object({
      id: z.literal('string'),
      min_length: integer.default(0),
      max_length: integer.exactOptional(),
    })
    .transform(({ id, min_length: minLength, max_length: maxLength }) => ({
      id,
      minLength,
      ...(maxLength === undefined ? {} : { maxLength }),
    })),
  enumeration: z.object({
    id: z.literal('enumeration'),
    values: z.array(enumerationItem, must('a list of texts')).min(1, 'must list one value or more'),
  }),
  datetime: z.object({
    id: z.literal('datetime'),
    before: instant.exactOptional(),
    after: instant.exactOptional(),
  }),
  geometry: z.object({ id: z.literal('geometry') }),
  image: z
    .object({
      id: z.literal('image'),
      formats: formats('dicom', 'jpeg', 'png', 'tiff', 'wsidicom').exactOptional(),
      max_file_size: fileSize.exactOptional(),
      max_width: integer.exactOptional(),
      max_height: integer.exactOptional(),
    })
    .transform(
      ({ max_file_size: maxFileSizeBytes, max_width: maxWidth, max_height: maxHeight, ...rest }) => ({
        ...rest,
        ...(maxFileSizeBytes === undefined ? {} : { maxFileSizeBytes }),
        ...(maxWidth === undefined ? {} : { maxWidth }),
        ...(maxHeight === undefined ? {} : { maxHeight }),
      }),
    ),
  file: z
    .object({
      id: z.literal('file'),
      formats: formats('binary', 'text').exactOptional(),
      max_file_size: fileSize.exactOptional(),
    })
    .transform(({ max_file_size: maxFileSizeBytes, ...rest }) => ({
      ...rest,
      ...(maxFileSizeBytes === undefined ? {} : { maxFileSizeBytes }),
    })),
  array: z
    .object({
      id: z.literal('array'),
      min_size: integer.exactOptional(),
      max_size: integer.exactOptional(),
      allow_missing: flag.default(false),
      subtype: z.lazy(() => parameterTypeSchema),
    })
    .transform(({ id, min_size: minSize, max_size: maxSize, allow_missing: allowMissing, subtype }) => ({
      id,
      ...(minSize === undefined ? {} : { minSize }),
      ...(maxSize === undefined ? {} : { maxSize }),
      allowMissing,
      subType: subtype,
    })),
}

/** Keys of the long form of a type. */
export function typeKeys(id: ParameterTypeId): readonly string[] {
  return keysOf(TYPE_SCHEMAS[id])
}

const TYPE_IDS = Object.keys(TYPE_SCHEMAS)

/** Type that an author probably means by a text, by its id, a synonym or the spelling. */
export function meantType(text: unknown): ParameterTypeId | undefined {
  const meant = typeof text === 'string' ? meantKey(text, TYPE_IDS) : undefined
  return isTypeId(meant) ? meant : undefined
}

const TYPE = `a type: one of ${TYPE_IDS.join(', ')}, or a mapping with such an id`

/**
 * A parameter's `type`, short form (`integer`) or long form (`{ id: integer, gt: 0 }`). The id chooses the one schema that
 * reports, where a union would report for all ten.
 */
export const parameterTypeSchema: z.ZodType<ParameterType> = z.unknown().transform((value, context) => {
  const long = typeof value === 'string' ? { id: value } : value
  const id = typeof long === 'object' && long !== null && 'id' in long ? long.id : undefined
  if (!isTypeId(id)) {
    const path = id === undefined || long !== value ? [] : ['id']
    const meant = meantType(id)
    const advice = meant === undefined ? '' : `: did you mean ${meant}?`
    const message = `${mustMessage(TYPE, path.length === 0 ? value : id)}${advice}`
    context.addIssue({ code: 'custom', path, message, input: value })
    return z.NEVER
  }
  const parsed = TYPE_SCHEMAS[id].safeParse(long)
  if (parsed.success) return parsed.data
  for (const { path, message } of parsed.error.issues) {
    context.addIssue({ code: 'custom', path: [...path], message, input: value })
  }
  return z.NEVER
})

function isTypeId(id: unknown): id is ParameterTypeId {
  return typeof id === 'string' && Object.hasOwn(TYPE_SCHEMAS, id)
}
