import { setFlagsFromString } from 'node:v8'

/**
 * Has V8 collect garbage in one go. For work that moves gigabytes through buffers with a small heap: V8 starts a collection for
 * every 30 MB of buffers, and marks in many small steps beside the work, in which a collection takes four times as much
 * processor time as the 5 ms that it takes at once. An import of 1 GB took a quarter less of it (`npm run bench:import`).
 */
export function collectAtOnce(): void {
  setFlagsFromString('--no-incremental-marking')
  setFlagsFromString('--no-concurrent-marking')
}
