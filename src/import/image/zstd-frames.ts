import { SAVE_AGAIN } from '../../archive/tar/tar-format-error.ts'
import { OciFormatError } from './oci-format-error.ts'

/*
 * Node's decoder ends the stream at a write that spans two frames, and drops the rest. Layers of many frames are common
 * (zstd:chunked, parallel compressors), so writes are cut at frame boundaries. Format: RFC 8878, sections 3.1.1
 * (frames) and 3.1.2 (skippable frames).
 */

const FRAME_MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const RLE_BLOCK = 1
const RESERVED_BLOCK = 3

/** Cuts a zstd stream at frame boundaries. */
export interface FrameCutter {
  /**
   * Returns the frames or parts of frames in these bytes, one piece each, without skippable frames.
   * @throws OciFormatError
   */
  cut(chunk: Uint8Array): Uint8Array[]
  /** @throws OciFormatError when the stream ends within a frame */
  finish(): void
}

/** Next bytes of the stream: collected when their value matters, otherwise passed or skipped by count. */
type Step =
  | { readonly kind: 'gather'; readonly length: number; readonly next: (bytes: Buffer) => Step }
  | { readonly kind: 'pass' | 'skip'; readonly length: number; readonly next: () => Step }

/** Creates a cutter. Memory: at most four bytes between two chunks. */
export function createFrameCutter(): FrameCutter {
  const gathered: number[] = []
  /** Output of one call, by frame. */
  let frames: Uint8Array[][] = []
  const start = firstStep({
    begin: (bytes) => frames.push([bytes]),
    append: (bytes) => frames.at(-1)?.push(bytes),
  })
  let step = start
  let left = step.length

  return {
    cut(chunk) {
      // A frame may have started in an earlier call.
      frames = [[]]
      let at = 0
      while (at < chunk.length || left === 0) {
        const taken = chunk.subarray(at, at + left)
        at += taken.length
        left -= taken.length
        if (step.kind === 'gather') gathered.push(...taken)
        else if (step.kind === 'pass' && taken.length > 0) frames.at(-1)?.push(taken)
        if (left > 0) continue
        step = step.kind === 'gather' ? step.next(Buffer.from(gathered.splice(0))) : step.next()
        left = step.length
      }
      return frames.filter((pieces) => pieces.length > 0).map((pieces) => Buffer.concat(pieces))
    },
    finish() {
      if (step !== start || gathered.length > 0) throw corrupt('it ends within a frame')
    },
  }
}

/** Frames of the output. */
interface Frames {
  begin(bytes: Buffer): void
  append(bytes: Buffer): void
}

/** Step at the start of every frame; the stream may end only there. */
function firstStep({ begin, append }: Frames): Step {
  let hasChecksum = false

  const readMagic = (bytes: Buffer): Step => {
    const magic = bytes.readUInt32LE(0)
    // Skippable frames have 16 magic numbers, which differ in the low four bits.
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) return { kind: 'gather', length: 4, next: readSkip }
    if (magic !== FRAME_MAGIC) throw corrupt('it does not continue with a zstd frame')
    begin(bytes)
    return { kind: 'gather', length: 1, next: readHeader }
  }
  const start: Step = { kind: 'gather', length: 4, next: readMagic }
  const readSkip = (bytes: Buffer): Step => ({
    kind: 'skip',
    length: bytes.readUInt32LE(0),
    next: () => start,
  })
  const readHeader = (bytes: Buffer): Step => {
    const flags = bytes.readUInt8(0)
    hasChecksum = (flags & 0b0000_0100) !== 0
    append(bytes)
    return { kind: 'pass', length: headerRestBytes(flags), next: startBlock }
  }
  const startBlock = (): Step => ({ kind: 'gather', length: 3, next: readBlock })
  const readBlock = (bytes: Buffer): Step => {
    const { isLast, contentBytes } = blockOf(bytes.readUIntLE(0, 3))
    append(bytes)
    const length = contentBytes + (isLast && hasChecksum ? 4 : 0)
    return { kind: 'pass', length, next: isLast ? () => start : startBlock }
  }
  return start
}

/** Length of a frame header after its first byte (RFC 8878, section 3.1.1.1). */
function headerRestBytes(flags: number): number {
  const isSingleSegment = (flags & 0b0010_0000) !== 0
  const windowBytes = isSingleSegment ? 0 : 1
  const dictionaryIdBytes = [0, 1, 2, 4][flags & 0b11] ?? 0
  const contentSizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0
  return windowBytes + dictionaryIdBytes + contentSizeBytes
}

/** Block of a header (RFC 8878, section 3.1.1.2). */
function blockOf(header: number): { readonly isLast: boolean; readonly contentBytes: number } {
  const type = (header >> 1) & 0b11
  if (type === RESERVED_BLOCK) throw corrupt('it has a block of an unknown type')
  return { isLast: (header & 1) !== 0, contentBytes: type === RLE_BLOCK ? 1 : header >> 3 }
}

function corrupt(words: string): OciFormatError {
  return new OciFormatError('corrupt-layer', `a zstd layer of the image is damaged: ${words}; ${SAVE_AGAIN}`)
}
