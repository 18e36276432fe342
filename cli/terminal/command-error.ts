import { EXIT } from './exit-codes.ts'

/** A failure with a message for the user, shown without a stack trace. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(message: string, exitCode: number = EXIT.failed, options: ErrorOptions = {}) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** Error for wrong arguments. The message has the value, and what was expected. */
export function usageError(message: string): CommandError {
  return new CommandError(message, EXIT.usage)
}
