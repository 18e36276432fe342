import type * as z from 'zod'

/** Error for invalid settings. The message has one line for each problem. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

/** Maximum length of a value in a message, in UTF-16 units. Longer values are left out. */
const MAX_VALUE = 80

/** Error map of zod for schemas without their own message. States the expected value. */
export function describeIssue(issue: z.core.$ZodRawIssue): string {
  if (issue.code !== 'unrecognized_keys' && issue.input === undefined) return 'is missing'
  switch (issue.code) {
    case 'invalid_type':
      return `must be of type ${issue.expected}`
    case 'too_small':
      return `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`
    case 'too_big':
      return `must be at most ${issue.maximum}`
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    case 'unrecognized_keys':
      return `has no setting ${issue.keys.join(', ')}`
    case 'invalid_union':
      return 'must be one of the values in docs/deployment.md'
    default:
      return 'is not valid'
  }
}

/** Path of a setting with its value: `network.cidr ("10.0.0.0")`. */
export function nameSetting(path: readonly PropertyKey[], settings: unknown): string {
  const name = path.length === 0 ? 'the file' : path.map(String).join('.')
  let value: unknown = settings
  for (const key of path) value = (Object(value) as Record<PropertyKey, unknown>)[key]
  const text = JSON.stringify(value)
  const isShort = typeof value !== 'object' && text !== undefined && text.length <= MAX_VALUE
  return isShort ? `${name} (${text})` : name
}
