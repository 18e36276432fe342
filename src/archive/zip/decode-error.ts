/** Compressed data that a decoder cannot read; the message continues "it cannot be decompressed: ". */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}
