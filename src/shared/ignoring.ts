type ErrorClass = abstract new (...args: never[]) => Error

/** Result of the call; undefined after an error of one of these classes. */
export async function ignoring<Answer>(
  call: Promise<Answer>,
  ...ignored: readonly ErrorClass[]
): Promise<Answer | undefined> {
  try {
    return await call
  } catch (error) {
    if (!ignored.some((errorClass) => error instanceof errorClass)) throw error
    return undefined
  }
}
