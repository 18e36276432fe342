import type { Readable } from 'node:stream'

/** A stream's bytes in memory; only for streams whose size was checked or is bounded by the caller. */
export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
