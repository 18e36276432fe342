/** Failure with a message for the user, shown without a stack trace. */
export class UserError extends Error {
  override readonly name = 'UserError'
}

/** Prints the error and exits with 1. The stack is printed unless it is a {@link UserError}. */
export function exitWithError(error: unknown): never {
  const isForUser = error instanceof UserError || !(error instanceof Error)
  console.error(isForUser ? String(error instanceof Error ? error.message : error) : error.stack)
  process.exit(1)
}
