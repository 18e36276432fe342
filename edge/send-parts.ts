import { type Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { SendPart } from './part-sender.ts'

/** Parts of one request that are in memory at a time, being filled or sent: both are sent at once when the bucket is the slower side. */
export const PARTS_HELD = 2

export interface SendPartsOptions {
  readonly partSizeBytes: number
  readonly send: SendPart
  /** Buffers of earlier parts of the same request, to be used again: a freed one stays until the next collection. */
  readonly spare: Buffer[]
  /** Aborted by the first thing that fails. */
  readonly controller: AbortController
}

/**
 * Cuts bytes into parts of one size, the last one smaller, and sends several at once while more arrive. Holds at most
 * {@link PARTS_HELD} parts and reads on only when one of them is free.
 * @throws what aborted the controller; nothing is being sent any more then.
 */
export async function sendParts(bytes: Readable, options: SendPartsOptions): Promise<void> {
  const { controller } = options
  const { signal } = controller
  const sending = new Set<Promise<void>>()
  try {
    await pipeline(bytes, createCutter(options, sending), { signal })
  } catch (error) {
    controller.abort(error)
  }
  await Promise.all(sending)
  signal.throwIfAborted()
}

/** Copies what is written into parts. A stream, for iterating over one would copy every chunk once more. */
function createCutter(options: SendPartsOptions, sending: Set<Promise<void>>): Writable {
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

  /** @returns how far it got: to the end, unless all parts are being sent. */
  function fill(chunk: Buffer, from: number): number {
    let offset = from
    while (offset < chunk.length) {
      if (part === undefined && sending.size === PARTS_HELD) return offset
      part ??= takePart(spare, partSizeBytes)
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
      // An upload has at least one part, be it an empty one.
      if (partNumber === 0) part ??= takePart(spare, partSizeBytes)
      if (part !== undefined) startSending(part)
      done()
    },
  })
}

/** Every byte is written before it is sent; a new buffer's memory is touched as it fills, so a small file costs little. */
function takePart(spare: Buffer[], sizeBytes: number): Buffer {
  const used = spare.pop()
  return used?.length === sizeBytes ? used : Buffer.allocUnsafeSlow(sizeBytes)
}
