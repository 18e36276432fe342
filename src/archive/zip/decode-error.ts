/** Compressed bytes that a decoder cannot read; the message goes on from "it cannot be decompressed". */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}
