import { constants, createZstdCompress } from 'node:zlib'
import type { Semaphore } from '../../shared/semaphore.ts'

/**
 * Size of the content of a zstd frame. Smaller frames compress worse (the window starts empty). Larger ones use the
 * cores less evenly and take more memory: a frame in progress holds its content and a buffer of the same size.
 */
export const FRAME_BYTES = 4 * 1024 * 1024
/** Upper bound of a frame's growth: RFC 8878 stores incompressible blocks. */
const GROWTH_BYTES = 16 * 1024
/**
 * Compression level: the output is as small as that of gzip's default level, in a fraction of the time (docs/adr/0007).
 */
const LEVEL = 1

/**
 * Compresses a plain layer into consecutive zstd frames, which decompressors read as one stream (RFC 8878, 3.1). Frames
 * are compressed in parallel in the thread pool, each with a permit until it is read, and are returned in order. The
 * output is deterministic. zstd's own workers are not used: with them Node ends the output early without an error.
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
        // A layer releases its own permits before it waits, so layers cannot deadlock.
        if (first === undefined) {
          await permits.acquire()
          break
        }
        await first.done.finally(permits.release)
        yield* first.take()
      }
      const frame = compressFrame(content)
      const given = frame.done.finally(() => buffers.give(content))
      // The promise is awaited later, in order; until then a rejection counts as handled.
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
  /** The compressed frame; can be called once. */
  take(): Buffer[]
}

/**
 * Compresses one frame with one call to zstd, which then knows the size and copies nothing. The output buffer is freed
 * at once, since zstd's engine object retains it until a full garbage collection. All buffers have the same size,
 * because Node allocates small ones from a pool that cannot be freed; pages that are not written take no memory.
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

/**
 * Splits content into pieces of one length, the last one shorter. Empty content gives one empty piece, since a stream
 * without frames is not valid zstd.
 */
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
 * Pool of reusable buffers. Allocating new ones would trigger about a hundred garbage collections for each gigabyte.
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
