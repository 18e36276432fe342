import { EXIT } from './exit-codes.ts'

/** A failure that its message explains: shown without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(message: string, exitCode: number = EXIT.failed, options: ErrorOptions = {}) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** Wrong use: the value, and what was expected. */
export function usageError(message: string): CommandError {
  return new CommandError(message, EXIT.usage)
}
