import {
  BLOCK_BYTES,
  decodeHeader,
  decodeLongName,
  decodePax,
  HEADER_ONLY,
  type HeaderOverrides,
  isZeroBlock,
  MAX_EXTENSION_BYTES,
  type TarHeader,
} from './tar-header.ts'

/** Walk over the headers of a tar that arrives in pieces. */
export interface HeaderWalk {
  /** Takes the next piece, whose memory the caller may reuse. */
  take(chunk: Uint8Array): void
  /** State after the pieces so far. */
  end(): WalkEnd
}

/** End of a tar. Container engines unpack a `whole` one only; they do not require the blocks of zeros at its end. */
export interface WalkEnd {
  /** `cut`: a header or a content is incomplete. `damaged`: the walk stopped at a header that cannot be read. */
  readonly state: 'whole' | 'cut' | 'damaged'
  /** Name of the last entry whose header was read; undefined before the first. */
  readonly lastName: string | undefined
}

const EXTENSIONS = 'LKxg'
/** Offsets of the flag that another block of the sparse map follows, in GNU's old sparse header and in each block. */
const SPARSE_MORE_AT = { first: 482, next: 504 } as const

/** Extensions before an entry's header, applied as Go's archive/tar does: GNU long names take precedence. */
interface Before {
  readonly pax: HeaderOverrides
  readonly gnu: HeaderOverrides
}

const NOTHING: Before = { pax: {}, gnu: {} }

/** State of the walk: it reads a header next, or the second of the two blocks of zeros at the end, or has ended. */
type State = 'header' | 'second-zeros' | 'over' | 'damaged'

/**
 * Calls back for every entry of a tar. Long names and link targets are applied, and contents are skipped. Memory: one header, or an
 * extension of 1 MiB.
 */
export function createHeaderWalk(onEntry: (header: TarHeader) => void): HeaderWalk {
  const blocks = createBlockReader()
  let extension: TarHeader | undefined
  let sparse: TarHeader | undefined
  let before = NOTHING
  let state: State = 'header'
  let lastName: string | undefined

  function begin(block: Buffer): State {
    if (isZeroBlock(block)) return 'second-zeros'
    const header = decodeHeader(block)
    if (header === undefined) return 'damaged'
    if (EXTENSIONS.includes(header.typeFlag)) {
      if (header.sizeBytes > MAX_EXTENSION_BYTES) return 'damaged'
      extension = header
      blocks.want(header.sizeBytes)
      return 'header'
    }
    const entry = { ...header, ...before.pax, ...before.gnu }
    before = NOTHING
    lastName = entry.name
    onEntry(entry)
    if (header.typeFlag === 'S' && block[SPARSE_MORE_AT.first] === 1) sparse = entry
    else skipContent(entry)
    return 'header'
  }

  function skipContent({ typeFlag, sizeBytes }: TarHeader): void {
    blocks.skip(HEADER_ONLY.includes(typeFlag) ? 0 : sizeBytes)
  }

  function takeBlock(block: Buffer): State {
    if (extension !== undefined) {
      before = withExtension(before, extension, block)
      blocks.skip(0, extension.sizeBytes)
      extension = undefined
    } else if (sparse !== undefined) {
      if (block[SPARSE_MORE_AT.next] === 1) return 'header'
      skipContent(sparse)
      sparse = undefined
    } else if (state === 'second-zeros') return isZeroBlock(block) ? 'over' : 'damaged'
    else return begin(block)
    return 'header'
  }

  const isEnded = (): boolean => state === 'over' || state === 'damaged'
  return {
    take(chunk) {
      if (isEnded()) return
      for (const block of blocks.of(chunk)) {
        state = follow(() => takeBlock(block))
        if (isEnded()) return
      }
    },
    end() {
      if (isEnded()) return { state: state === 'over' ? 'whole' : 'damaged', lastName }
      const isCut = extension !== undefined || sparse !== undefined || blocks.isWithin()
      return { state: isCut ? 'cut' : 'whole', lastName }
    },
  }
}

/** Splits a stream into blocks of the requested size, 512 bytes by default. */
function createBlockReader() {
  let wanted = BLOCK_BYTES
  let skipped = 0
  let paddingBytes = 0
  let pieces: Buffer[] = []
  let held = 0
  return {
    want(sizeBytes: number): void {
      wanted = sizeBytes
    },
    /** Skips a content and its padding to a whole block. `readBytes` of the content are already read. */
    skip(sizeBytes: number, readBytes = sizeBytes): void {
      paddingBytes = padding(readBytes)
      skipped = sizeBytes + paddingBytes
    },
    /** Whether the stream has ended within a block or a content. Engines accept a last content without its padding. */
    isWithin: () => held > 0 || skipped > paddingBytes,
    *of(chunk: Uint8Array): Generator<Buffer> {
      for (let at = 0; at < chunk.length || (wanted === 0 && skipped === 0); ) {
        const passed = Math.min(skipped, chunk.length - at)
        skipped -= passed
        at += passed
        if (skipped > 0) return
        // A copy, because the caller reuses the chunk's memory.
        const piece = Buffer.from(chunk.subarray(at, at + wanted - held))
        pieces.push(piece)
        held += piece.length
        at += piece.length
        if (held < wanted) return
        const block = Buffer.concat(pieces)
        pieces = []
        held = 0
        wanted = BLOCK_BYTES
        yield block
      }
    },
  }
}

function padding(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES
}

function withExtension(before: Before, { typeFlag }: TarHeader, body: Buffer): Before {
  switch (typeFlag) {
    case 'L':
      return { ...before, gnu: { ...before.gnu, name: decodeLongName(body) } }
    case 'K':
      return { ...before, gnu: { ...before.gnu, linkName: decodeLongName(body) } }
    case 'x':
      return { ...before, pax: { ...before.pax, ...decodePax(body) } }
    default:
      // Global records name no entry.
      return before
  }
}

function follow(step: () => State): State {
  try {
    return step()
  } catch {
    // The checksum is right, but a number is malformed.
    return 'damaged'
  }
}
