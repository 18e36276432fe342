import { constants, createZstdCompress } from 'node:zlib'
import type { Semaphore } from '../../shared/semaphore.ts'

/**
 * Content of one zstd frame. Smaller ones pack worse (the window starts empty), larger ones wait longer for a core and take
 * more memory: a frame under way holds its content and as much again for what comes out.
 */
export const FRAME_BYTES = 4 * 1024 * 1024
/** A frame cannot grow more than this: RFC 8878 stores what does not shrink. */
const GROWTH_BYTES = 16 * 1024
/** docs/adr/0007: as small as gzip's default level, at a fraction of its time. */
const LEVEL = 1

/**
 * A plain layer as zstd frames one after another, which decompressors read as one (RFC 8878, 3.1). Frames are compressed side
 * by side in the thread pool, each with a permit until it is read, and come out in order; the same bytes give the same
 * blob. Not by zstd's own workers: with them Node ends the output early, without an error.
 */
export async function* zstdLayer(
  bytes: AsyncIterable<Uint8Array>,
  permits: Semaphore,
): AsyncGenerator<Uint8Array, void, undefined> {
  const underWay: Frame[] = []
  const buffers = createFrameBuffers()
  try {
    for await (const content of inFrames(bytes, buffers)) {
      while (!permits.tryAcquire()) {
        const first = underWay.shift()
        // A layer releases its own permits before it waits for another, so layers cannot block each other.
        if (first === undefined) {
          await permits.acquire()
          break
        }
        await first.done.finally(permits.release)
        yield* first.take()
      }
      const frame = compressFrame(content)
      const given = frame.done.finally(() => buffers.give(content))
      // Awaited in order later; one that fails meanwhile must not count as unhandled.
      given.catch(() => {})
      underWay.push(frame)
    }
    for (let first = underWay.shift(); first !== undefined; first = underWay.shift()) {
      await first.done.finally(permits.release)
      yield* first.take()
    }
  } finally {
    await Promise.allSettled(underWay.map(({ done }) => done))
    for (const _ of underWay) permits.release()
  }
}

interface Frame {
  /** Resolves without a value, so that a pending promise retains no bytes. */
  readonly done: Promise<void>
  /** What came out, once. */
  take(): Buffer[]
}

/**
 * One frame by one call to zstd, which knows the size then and copies nothing. The buffer that it writes to is freed at once: its
 * engine keeps it, and is garbage that only a full collection finds. Its size is the same for each frame, since Node takes small
 * buffers from a pool that cannot be freed; what is not written to takes no memory.
 */
function compressFrame(content: Buffer): Frame {
  const engine = createZstdCompress({
    chunkSize: FRAME_BYTES + GROWTH_BYTES,
    flush: constants.ZSTD_e_end,
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
  })
  let chunks: Buffer[] = []
  const written = new Promise<void>((resolve, reject) => {
    engine.on('data', (chunk: Buffer) => chunks.push(chunk))
    engine.on('error', reject)
    engine.write(content, (error) => (error ? reject(error) : resolve()))
  })
  return {
    done: written.then(() => {
      engine.destroy()
      const buffers = new Set(chunks.map(({ buffer }) => buffer as ArrayBuffer))
      chunks = chunks.map((chunk) => Buffer.from(chunk))
      for (const buffer of buffers) buffer.transfer(0)
    }),
    take: () => chunks.splice(0),
  }
}

/** Pieces of equal length, the last one shorter; one empty piece of nothing, since no frame at all is no zstd. */
async function* inFrames(
  bytes: AsyncIterable<Uint8Array>,
  buffers: FrameBuffers,
): AsyncGenerator<Buffer, void, undefined> {
  let frame = buffers.take()
  let filled = 0
  let isFirst = true
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; ) {
      const taken = chunk.subarray(at, at + FRAME_BYTES - filled)
      frame.set(taken, filled)
      filled += taken.length
      at += taken.length
      if (filled < FRAME_BYTES) continue
      yield frame
      isFirst = false
      frame = buffers.take()
      filled = 0
    }
  }
  if (filled > 0 || isFirst) yield frame.subarray(0, filled)
}

/**
 * Buffers that are used again. Each new one counts as garbage to come, and the collector would run a hundred times for each
 * gigabyte.
 */
interface FrameBuffers {
  take(): Buffer
  give(frame: Buffer): void
}

function createFrameBuffers(): FrameBuffers {
  const free: Buffer[] = []
  return {
    take: () => free.pop() ?? Buffer.allocUnsafeSlow(FRAME_BYTES),
    give(frame) {
      if (frame.length === FRAME_BYTES) free.push(frame)
    },
  }
}
