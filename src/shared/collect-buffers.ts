import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** New buffers since the last collection. V8 starts a full one at 64 MB, and 16 MiB or so are in use all the time. */
const GARBAGE_BYTES = 32 * 1024 ** 2
const LOOK_MILLISECONDS = 10

/**
 * Frees buffers cheaply in a process that moves gigabytes through them with a small heap. V8 counts them as memory pressure and
 * answers with full collections, 13 ms each on two processors, in many small steps beside the work, where one takes four
 * times that. Nearly all buffers die young, so that young collections of half a millisecond free them; what is left of full
 * ones happens in one go. An import of 1 GB takes a sixth less processor time (`npm run bench:import`).
 */
export function collectBuffers(): void {
  setFlagsFromString('--no-incremental-marking')
  setFlagsFromString('--no-concurrent-marking')
  // The only way to V8's collector in a process that was started without the flag, as a Lambda is.
  setFlagsFromString('--expose-gc')
  const collect: NonNullable<typeof globalThis.gc> = runInNewContext('gc')
  let left = 0
  setInterval(() => {
    const { arrayBuffers } = process.memoryUsage()
    left = Math.min(left, arrayBuffers)
    if (arrayBuffers - left < GARBAGE_BYTES) return
    collect({ type: 'minor' })
    left = process.memoryUsage().arrayBuffers
  }, LOOK_MILLISECONDS).unref()
}
