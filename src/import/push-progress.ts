import type { ImportedLayer, Upload } from '../upload/upload.ts'

export interface PushProgress {
  /** Sets the number of layers once it is known. */
  expectLayers(count: number): void
  /** Counts bytes of the archive as they are read, and stops when the signal is aborted. */
  counted(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined>
  layerDone(layers: readonly ImportedLayer[]): Promise<void>
  report(): Promise<void>
  /** Records completion, and the layers of the image. */
  end(layers: readonly ImportedLayer[]): Promise<void>
}

/** Progress is written after this share of the archive, and at least these bytes: each write costs a call of DynamoDB. */
const STEP = 1 / 50
const STEP_BYTES = 8 * 1024 * 1024

/** @param bytes size of the archive */
export function createPushProgress(
  bytes: number,
  known: readonly ImportedLayer[],
  record: (facts: Required<Pick<Upload, 'progress' | 'layers'>>) => Promise<void>,
): PushProgress {
  let layers = known
  let layersExpected = known.length
  let bytesDone = 0
  let bytesReported = 0
  /** Serializes writes, so that an earlier one cannot overwrite a later one. */
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
        if (bytesDone - bytesReported > Math.max(bytes * STEP, STEP_BYTES)) await report()
        yield chunk
      }
      signal.throwIfAborted()
    },
    async layerDone(done) {
      layers = done
      await report()
    },
    async end(all) {
      layers = all
      bytesDone = bytes
      await report()
    },
  }
}
