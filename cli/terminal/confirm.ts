import { createInterface } from 'node:readline/promises'
import { usageError } from './command-error.ts'

/**
 * Asks before something is deleted.
 * @throws CommandError when nobody can answer and `--yes` is not given
 */
export async function confirm(question: string, isGiven: boolean): Promise<boolean> {
  if (isGiven) return true
  if (process.stdin.isTTY !== true) throw usageError(`${question} Nobody can answer here: give --yes.`)
  const reader = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(?:es)?$/iu.test((await reader.question(`${question} [y/N] `)).trim())
  } finally {
    reader.close()
  }
}
