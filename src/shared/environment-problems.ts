import type { z } from 'zod'
import { quoted } from '../contract/quoted.ts'

/** Maximum length of a variable's value in a message, in UTF-16 units. */
const MAX_VALUE_LENGTH = 80

/** One phrase for each wrong environment variable: its name, its value, and the first message of the schema. */
export function environmentProblems(
  error: z.ZodError,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const messages = new Map<string, string>()
  for (const { path, message } of error.issues) {
    const name = String(path[0])
    if (!messages.has(name)) messages.set(name, message)
  }
  return [...messages]
    .map(([name, message]) => {
      const value = env[name]
      const state = value === undefined ? 'is not set' : `is ${quoted(value, MAX_VALUE_LENGTH)}`
      return `${name} ${state}: ${message}`
    })
    .join('; ')
}
