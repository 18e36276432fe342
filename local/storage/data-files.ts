import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ByteSpan } from '../../src/shared/byte-range.ts'
import type { Content, Segment } from './catalogue.ts'

/** Bytes that were written to a new file. */
export type WrittenFile = Pick<Content, 'sizeBytes' | 'segments'>

/** Opens or creates the folder. */
export function openDataFiles(folder: string) {
  mkdirSync(folder, { recursive: true, mode: 0o700 })

  const remove = async (files: readonly string[]): Promise<void> => {
    // A missing file was removed by another deletion.
    for (const file of files) await unlink(join(folder, file)).catch(() => undefined)
  }

  return {
    remove,

    /**
     * @param measure receives every chunk before it is written
     * @throws the error of the source, after the file was removed
     */
    async write(source: AsyncIterable<Uint8Array>, measure: (chunk: Buffer) => void): Promise<WrittenFile> {
      const file = randomUUID()
      let sizeBytes = 0
      const counter = new Transform({
        transform(chunk: Buffer, _, done) {
          measure(chunk)
          sizeBytes += chunk.length
          done(null, chunk)
        },
      })
      try {
        await pipeline(source, counter, createWriteStream(join(folder, file), { flags: 'wx', mode: 0o600 }))
      } catch (error) {
        await remove([file])
        throw error
      }
      return { sizeBytes, segments: [{ file, start: 0, length: sizeBytes }] }
    },

    /** The bytes from `start` to before `end` (default: all), over the segments in order. */
    read(
      { segments, sizeBytes }: Content,
      { start, end }: ByteSpan = { start: 0, end: sizeBytes },
    ): Readable {
      return Readable.from(bytesOf(folder, cut(segments, start, end)), { objectMode: false })
    },

    /** Removes files of a killed process: those for which `isUsed` returns false. */
    removeUnused(isUsed: (file: string) => boolean): void {
      for (const file of readdirSync(folder)) if (!isUsed(file)) rmSync(join(folder, file))
    },
  }
}

/** Data files below one folder, each written once. Memory: 64 KiB of buffers for each stream, whatever the file's size. */
export type DataFiles = ReturnType<typeof openDataFiles>

/** The segments of the bytes from `start` to before `end`. */
export function cut(segments: readonly Segment[], start: number, end: number): Segment[] {
  const cuts: Segment[] = []
  let offset = 0
  for (const segment of segments) {
    const from = Math.max(start - offset, 0)
    const to = Math.min(end - offset, segment.length)
    if (from < to) cuts.push({ file: segment.file, start: segment.start + from, length: to - from })
    offset += segment.length
  }
  return cuts
}

async function* bytesOf(folder: string, segments: readonly Segment[]): AsyncGenerator<Buffer> {
  for (const { file, start, length } of segments) {
    yield* createReadStream(join(folder, file), {
      start,
      end: start + length - 1,
      highWaterMark: 256 * 1024,
    }) as AsyncIterable<Buffer>
  }
}
