import type { ImportedLayer, Upload } from '../upload/upload.ts'

/** What an import tells about itself while it pushes. */
export interface PushProgress {
  /** The number of layers, as far as it is known. */
  expectLayers(count: number): void
  /** Counts bytes of the archive on their way, and ends them when the signal says so. */
  counted(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined>
  layerDone(layers: readonly ImportedLayer[]): Promise<void>
  report(): Promise<void>
  /** Everything is through. */
  end(): Promise<void>
}

/** Writes of progress are at least this far apart, as a share of the archive. */
const STEP = 1 / 50

/** Counts bytes as they lie in the archive, whose size is known before the first is read. */
export function createPushProgress(
  bytes: number,
  known: readonly ImportedLayer[],
  record: (facts: Required<Pick<Upload, 'progress' | 'layers'>>) => Promise<void>,
): PushProgress {
  let layers = known
  let layersExpected = known.length
  let bytesDone = 0
  let bytesReported = 0
  /** One write after the other: an earlier one that comes late would take back what a later one says. */
  let writing = Promise.resolve()
  const report = async (): Promise<void> => {
    bytesReported = bytesDone
    writing = writing
      .catch(() => {})
      .then(() =>
        record({
          layers,
          progress: {
            layers: Math.max(layersExpected, layers.length),
            layersDone: layers.length,
            bytes,
            bytesDone: Math.min(bytesDone, bytes),
          },
        }),
      )
    await writing
  }
  return {
    report,
    expectLayers(count) {
      layersExpected = count
    },
    async *counted(source, signal) {
      for await (const chunk of source) {
        signal.throwIfAborted()
        bytesDone += chunk.length
        if (bytesDone - bytesReported > bytes * STEP) await report()
        yield chunk
      }
      signal.throwIfAborted()
    },
    async layerDone(done) {
      layers = done
      await report()
    },
    async end() {
      bytesDone = bytes
      await report()
    },
  }
}
