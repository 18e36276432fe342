import { DecodeError } from './decode-error.ts'

/** Below this length a loop is faster than `copyWithin`. */
const SHORT_COPY = 24

/**
 * Copies from `distance` bytes before; an overlapping copy repeats what it has just written.
 * @throws DecodeError when it starts before the output
 */
export function copyBack(output: Uint8Array, to: number, distance: number, length: number): void {
  if (distance > to) throw new DecodeError('a copy starts before the output')
  if (length < SHORT_COPY) {
    for (let i = 0; i < length; i += 1) output[to + i] = output[to + i - distance] as number
    return
  }
  for (let done = 0, period = distance; done < length; ) {
    const count = Math.min(period, length - done)
    output.copyWithin(to + done, to - distance, to - distance + count)
    done += count
    period = distance + done
  }
}
