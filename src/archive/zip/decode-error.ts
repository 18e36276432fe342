/** Compressed data that a decoder cannot read; the message follows "the entry … cannot be decompressed: ". */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}
