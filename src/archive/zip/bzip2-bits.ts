import { DecodeError } from './decode-error.ts'

/** Number of zero bytes after the input, for look-ahead beyond its end. */
const AHEAD_BYTES = 8

/** Bit reader, most significant bit first. Memory: the unread input. */
export class BitReader {
  /** The input, followed by zeros. */
  bytes = new Uint8Array(AHEAD_BYTES)
  /** Bits consumed. */
  at = 0
  #end = 0

  /** Whole bytes left. */
  get left(): number {
    return this.#end - Math.ceil(this.at / 8)
  }

  /** Appends input. */
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

  /** The next bits, at most 24. @throws DecodeError after the end */
  read(count: number): number {
    const value = this.peek24() >>> (24 - count)
    this.at += count
    if (this.at > this.#end * 8) throw new DecodeError('it is cut short')
    return value
  }

  /** The next 24 bits without consuming them; zeros after the end. */
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

  /** @throws DecodeError when more bits were consumed than there are */
  assertNotBehind(): void {
    if (this.at > this.#end * 8) throw new DecodeError('it is cut short')
  }

  alignToByte(): void {
    this.at = Math.ceil(this.at / 8) * 8
  }
}
