/** A failure that its message explains to the person at the keyboard: shown without a stack. */
export class UserError extends Error {
  override readonly name = 'UserError'
}
