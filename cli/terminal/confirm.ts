import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { CommandError, usageError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

/**
 * Asks the user to confirm a deletion.
 * @param isGiven whether `--yes` has confirmed it
 * @throws CommandError without a terminal and without `--yes`, or after Ctrl-C or Ctrl-D
 */
export async function confirm(question: string, isGiven: boolean): Promise<boolean> {
  if (isGiven) return true
  if (process.stdin.isTTY !== true) throw usageError(`${question} There is no terminal to ask on: use --yes.`)
  const reader = createInterface({ input: process.stdin, output: process.stderr })
  try {
    reader.setPrompt(`${question} [y/N] `)
    reader.prompt()
    // Without a listener for SIGINT, Ctrl-C closes the reader as Ctrl-D does.
    const closed = once(reader, 'close').then(() => undefined)
    const line = await Promise.race([once(reader, 'line'), closed])
    if (line === undefined) {
      // The cursor is behind the question.
      process.stderr.write('\n')
      throw new CommandError('Nothing was deleted.', EXIT.interrupted)
    }
    return /^y(?:es)?$/iu.test(String(line[0]).trim())
  } finally {
    reader.close()
  }
}
