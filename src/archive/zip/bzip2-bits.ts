import { DecodeError } from './decode-error.ts'

/** Zeros behind the input, so that codes can be read ahead. */
const AHEAD_BYTES = 8

/** Bits of a stream, the highest of each byte first. Memory: what was not read of the input. */
export class BitReader {
  /** The input, and zeros behind it. */
  bytes = new Uint8Array(AHEAD_BYTES)
  /** Bits that were read of it. */
  at = 0
  #end = 0

  /** Bytes that were not begun. */
  get left(): number {
    return this.#end - Math.ceil(this.at / 8)
  }

  /** Joins what is left of the input with the next of it. */
  take(next: Uint8Array): void {
    if (next.length === 0) return
    const from = this.at >> 3
    const left = this.bytes.subarray(from, this.#end)
    const joined = new Uint8Array(left.length + next.length + AHEAD_BYTES)
    joined.set(left)
    joined.set(next, left.length)
    this.bytes = joined
    this.#end = left.length + next.length
    this.at &= 7
  }

  /** The next bits, 24 at most. @throws DecodeError behind the end */
  read(count: number): number {
    const value = this.peek24() >>> (24 - count)
    this.at += count
    if (this.at > this.#end * 8) throw new DecodeError('it is cut short')
    return value
  }

  /** The next 24 bits; zeros stand behind the end. */
  peek24(): number {
    const { bytes, at } = this
    const from = at >> 3
    const high =
      ((bytes[from] as number) << 24) |
      ((bytes[from + 1] as number) << 16) |
      ((bytes[from + 2] as number) << 8) |
      (bytes[from + 3] as number)
    return (high << (at & 7)) >>> 8
  }

  /** @throws DecodeError when more was read than there is. */
  assertNotBehind(): void {
    if (this.at > this.#end * 8) throw new DecodeError('it is cut short')
  }

  alignToByte(): void {
    this.at = Math.ceil(this.at / 8) * 8
  }
}
