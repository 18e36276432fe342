import { StorageError } from './storage-error.ts'

/** Maximum length of a chunk's header line: a hexadecimal size, and a signature that is not verified. */
const MAX_LINE_BYTES = 1024

/**
 * Decodes the `aws-chunked` content encoding, in which the SDKs send streams (S3 API reference, "Signature Calculations … Transferring
 * Payload in Multiple Chunks"). Signatures and trailers are skipped. Memory: one buffer of the source and a line of 1 KiB.
 * @throws StorageError IncompleteBody, InvalidRequest
 */
export async function* decodeAwsChunked(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let line = ''
  /** Remaining bytes of the chunk; undefined while its header line is read. */
  let left: number | undefined
  let skip = 0
  let hasEnded = false
  for await (const buffer of source) {
    let offset = 0
    while (offset < buffer.length && !hasEnded) {
      if (skip > 0) {
        const skipped = Math.min(skip, buffer.length - offset)
        skip -= skipped
        offset += skipped
      } else if (left === undefined) {
        const end = buffer.indexOf(0x0a, offset)
        line += Buffer.from(buffer.subarray(offset, end === -1 ? buffer.length : end)).toString('latin1')
        if (line.length > MAX_LINE_BYTES) throw malformed()
        offset = end === -1 ? buffer.length : end + 1
        if (end === -1) continue
        left = sizeOf(line)
        line = ''
        hasEnded = left === 0
      } else {
        const piece = buffer.subarray(offset, offset + left)
        offset += piece.length
        left -= piece.length
        yield piece
        if (left === 0) {
          left = undefined
          // Line break after the data.
          skip = 2
        }
      }
    }
  }
  if (!hasEnded) throw new StorageError(400, 'IncompleteBody', 'The body ended within a chunk.')
}

function sizeOf(line: string): number {
  const size = /^([0-9a-f]{1,8})(?:;[^\r]*)?\r?$/iu.exec(line)?.[1]
  if (size === undefined) throw malformed()
  return Number.parseInt(size, 16)
}

function malformed(): StorageError {
  return new StorageError(400, 'InvalidRequest', 'The body is not aws-chunked.')
}
