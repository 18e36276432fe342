import { IncomingMessage } from 'node:http'
import { FREE_PIECES, MIN_PIECE_BYTES } from './limits.ts'

/** Emitted once by a {@link BoundedRequest} whose body arrives in too many pieces; nothing of the body is read from then on. */
export const FRAGMENTED = 'fragmented'

/**
 * Request whose body may not arrive in many tiny pieces. Node calls back for each HTTP chunk, and 64 KiB of input
 * contain ten thousand chunks of one byte. Pieces are counted at the parser, so that unread ones count too.
 */
export class BoundedRequest extends IncomingMessage {
  /** Number of further tiny pieces that are allowed. Received bytes restore it, up to its initial value. */
  #credit = FREE_PIECES
  #isFragmented = false

  override push(piece: Buffer | null, encoding?: BufferEncoding): boolean {
    if (piece === null) return super.push(piece, encoding)
    // Node's parser cannot be stopped before the end of its input, so further pieces are dropped.
    if (this.#isFragmented) return false
    this.#credit = Math.min(FREE_PIECES, this.#credit + piece.length / MIN_PIECE_BYTES) - 1
    if (this.#credit >= 0) return super.push(piece, encoding)
    this.#isFragmented = true
    if (!this.emit(FRAGMENTED)) this.destroy()
    return false
  }

  override _read(size: number): void {
    if (!this.#isFragmented) super._read(size)
  }
}
