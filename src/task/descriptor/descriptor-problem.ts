import type { z } from 'zod'
import { cutText } from '../../contract/quoted.ts'
import type { YamlPath } from '../yaml/yaml-document.ts'

/** Path of a property: names of keys and indexes of list items. */
export type DescriptorPath = YamlPath

/** Problem at a path; `message` continues the path: `must be …`, `is missing: …`. */
export interface Finding {
  readonly path: DescriptorPath
  readonly message: string
}

/** Maximum number of characters of a descriptor's text in a message. */
const MAX_QUOTE_LENGTH = 60

/** Formats a path: `inputs.a.type`, `authors[0].email`; names with other characters are in brackets and quotes. */
export function formatPath(path: DescriptorPath): string {
  if (path.length === 0) return 'the descriptor'
  return path
    .map((segment, index) => {
      if (typeof segment === 'number') return `[${segment}]`
      if (!/^[\w$]+$/u.test(segment)) return `[${quote(segment)}]`
      return index === 0 ? quoteless(segment) : `.${quoteless(segment)}`
    })
    .join('')
}

/**
 * Zod parameters for a check with one message, whether the property is missing, of another type or invalid.
 * @example z.boolean(must('true or false'))
 */
export function must(expected: string): { readonly error: (issue: { readonly input?: unknown }) => string } {
  return { error: ({ input }) => mustMessage(expected, input) }
}

/** The sentence of {@link must}, for checks outside of schemas. */
export function mustMessage(expected: string, actual: unknown): string {
  return actual === undefined
    ? `is missing: it must be ${expected}`
    : `must be ${expected}, not ${describeValue(actual)}`
}

/** Problems that a schema reported, with `prefix` before their paths. */
export function findingsOf(error: z.ZodError, prefix: DescriptorPath = []): Finding[] {
  return error.issues.map(({ path, message }) => ({
    path: [...prefix, ...path.map((segment) => (typeof segment === 'number' ? segment : String(segment)))],
    message,
  }))
}

function describeValue(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a mapping'
  if (typeof value === 'string') return quote(value)
  return typeof value === 'number' ? `the number ${value}` : String(value)
}

function quote(text: string): string {
  return JSON.stringify(quoteless(text))
}

function quoteless(text: string): string {
  return cutText(text, MAX_QUOTE_LENGTH)
}
