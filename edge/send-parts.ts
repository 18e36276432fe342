import { type Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { SendPart } from './part-sender.ts'

/** Number of part buffers of one request. Both are in use when S3 is slower than the client. */
export const PARTS_HELD = 2

export interface SendPartsOptions {
  readonly partSizeBytes: number
  readonly send: SendPart
  /** Buffers of sent parts, for reuse: a freed buffer stays in memory until its collection. */
  readonly spare: Buffer[]
  /** Aborted by the first failure. */
  readonly controller: AbortController
}

/**
 * Splits a stream into parts of equal size, the last one smaller, and sends them concurrently. Memory: {@link PARTS_HELD} parts;
 * reading pauses until one is free.
 * @throws the controller's reason; no part is being sent then
 */
export async function sendParts(bytes: Readable, options: SendPartsOptions): Promise<void> {
  const { controller } = options
  const { signal } = controller
  const sending = new Set<Promise<void>>()
  try {
    await pipeline(bytes, createPartWriter(options, sending), { signal })
  } catch (error) {
    controller.abort(error)
  }
  await Promise.all(sending)
  signal.throwIfAborted()
}

/** A `Writable`, because iterating over the source would copy every chunk. */
function createPartWriter(options: SendPartsOptions, sending: Set<Promise<void>>): Writable {
  const { partSizeBytes, send, spare, controller } = options
  let partNumber = 0
  let part: Buffer | undefined
  let filled = 0

  function startSending(full: Buffer): void {
    partNumber += 1
    const done = send(partNumber, full.subarray(0, filled))
      .catch((error: unknown) => controller.abort(error))
      .then(() => {
        spare.push(full)
        sending.delete(done)
      })
    sending.add(done)
    part = undefined
    filled = 0
  }

  /** @returns the offset of the first byte for which no part was free */
  function fill(chunk: Buffer, from: number): number {
    let offset = from
    while (offset < chunk.length) {
      if (part === undefined && sending.size === PARTS_HELD) return offset
      part ??= allocatePart(spare, partSizeBytes)
      const copied = chunk.copy(part, filled, offset)
      filled += copied
      offset += copied
      if (filled === partSizeBytes) startSending(part)
    }
    return offset
  }

  async function fillWhenFree(chunk: Buffer, from: number): Promise<void> {
    for (let offset = from; offset < chunk.length; offset = fill(chunk, offset)) {
      await Promise.race(sending)
      controller.signal.throwIfAborted()
    }
  }

  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const offset = fill(chunk, 0)
      if (offset === chunk.length) done()
      else fillWhenFree(chunk, offset).then(() => done(), done)
    },
    final(done) {
      // S3 refuses to complete an upload without parts.
      if (partNumber === 0) part ??= allocatePart(spare, partSizeBytes)
      if (part !== undefined) startSending(part)
      done()
    },
  })
}

/** Buffer that is not zeroed: every byte is written before it is sent, and memory pages that are never written are not allocated. */
function allocatePart(spare: Buffer[], sizeBytes: number): Buffer {
  const used = spare.pop()
  return used?.length === sizeBytes ? used : Buffer.allocUnsafeSlow(sizeBytes)
}
