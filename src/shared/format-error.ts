/** Refusal of a file; the message gives its author the reason and the remedy. */
export class FormatError<Code extends string> extends Error {
  readonly code: Code

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
