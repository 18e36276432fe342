/** A failure that its message explains to the person at the keyboard: shown without a stack. */
export class UserError extends Error {
  override readonly name = 'UserError'
}

/** Prints the error, with its stack unless it is a {@link UserError}, and ends the process with 1. */
export function exitWithError(error: unknown): never {
  const isForUser = error instanceof UserError || !(error instanceof Error)
  console.error(isForUser ? String(error instanceof Error ? error.message : error) : error.stack)
  process.exit(1)
}
