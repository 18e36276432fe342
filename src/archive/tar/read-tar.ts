import { posix } from 'node:path'
import { quoted } from '../../contract/quoted.ts'
import { formatOf, type SignedFormat } from '../../shared/file-signatures.ts'
import { corruptTar, SAVE_AGAIN, TarFormatError } from './tar-format-error.ts'
import {
  BLOCK_BYTES,
  decodeHeader,
  decodeLongName,
  decodePax,
  type HeaderOverrides,
  isZeroBlock,
  type TarHeader,
} from './tar-header.ts'
import { streamInput, type TarInput } from './tar-input.ts'

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'link' | 'other'

/** One entry while the archive streams by. */
export interface TarEntry {
  /** Relative and normalized: no leading `./`, no trailing `/`, no control characters. */
  readonly name: string
  readonly type: TarEntryType
  readonly sizeBytes: number
  /** Where its content starts in the archive. */
  readonly offset: number
  /** Target of a symlink (relative to its folder) or of a link (relative to the root), as written. */
  readonly linkName: string
  /** An earlier file has this name and size; whether the bytes are the same, the reader has to compare. */
  readonly isRepeated: boolean
  /** Its content; to be read before the next entry is asked for. What is not read is skipped. */
  readonly body: AsyncIterable<Uint8Array>
}

/** Bounds of what is looked at. */
export interface TarLimits {
  readonly maxEntries: number
  readonly maxNameLength: number
}

// An image has at most 127 layers and a handful of entries for each; 4096 is the longest path of Linux.
const DEFAULT_LIMITS: TarLimits = { maxEntries: 20_000, maxNameLength: 4096 }
/** Long names and pax records; writers put attributes of files there, some KiB at most. */
const MAX_EXTENSION_BYTES = 1024 * 1024

const TYPES: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
  '5': 'directory',
}
/** Links, devices, folders and pipes: nothing follows their header, whatever size it says. */
const HEADER_ONLY = '123456'

/**
 * Reads a tar as it streams by (ustar, GNU and PAX names and sizes); holds one chunk of it and the names seen.
 * Leaving the loop early closes the source; else it is read to its end.
 * @throws TarFormatError; what the source throws passes untouched.
 */
export function readTar(
  bytes: AsyncIterable<Uint8Array>,
  limits: TarLimits = DEFAULT_LIMITS,
): AsyncGenerator<TarEntry, void, undefined> {
  return walkTar(streamInput(bytes), limits)
}

/**
 * Entries of an archive from whatever gives its bytes.
 * @throws TarFormatError; what the source throws passes untouched.
 */
export async function* walkTar(
  input: TarInput,
  limits: TarLimits = DEFAULT_LIMITS,
): AsyncGenerator<TarEntry, void, undefined> {
  /** What each name was first. */
  const names = new Map<string, string>()
  try {
    for await (const header of headersOf(input, limits)) {
      const name = safeName(header.name, limits)
      const type = typeOf(header)
      const { linkName } = header
      const sizeBytes = HEADER_ONLY.includes(header.typeFlag) ? 0 : header.sizeBytes
      const facts = `${type} ${sizeBytes} ${linkName}`
      const first = names.get(name)
      if (type !== 'directory' && first !== undefined && first !== facts) throw twoOfOneName(name)
      if (names.set(name, first ?? facts).size > limits.maxEntries) throw tooMany(limits)
      const offset = input.position()
      const isRepeated = type === 'file' && first !== undefined
      yield { name, type, sizeBytes, offset, linkName, isRepeated, body: whole(input, sizeBytes) }
      // What was read of the body, and what was not; bodies are padded to whole blocks.
      await skip(input, offset + sizeBytes)
      await skip(input, offset + Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES)
    }
    await input.drain()
  } finally {
    await input.close()
  }
}

/** Headers with the long names and sizes that stand before them applied. */
async function* headersOf(input: TarInput, limits: TarLimits): AsyncGenerator<TarHeader, void, undefined> {
  let global: HeaderOverrides = {}
  let next: HeaderOverrides = {}
  for (let count = 0; ; count += 1) {
    const header = await readHeader(input, count === 0)
    if (header === undefined) return
    // Extensions count as well: an archive of nothing else must end somewhere.
    if (count >= limits.maxEntries * 3) throw tooMany(limits)
    switch (header.typeFlag) {
      case 'L':
        next = { ...next, name: decodeLongName(await readExtension(input, header)) }
        break
      case 'K':
        next = { ...next, linkName: decodeLongName(await readExtension(input, header)) }
        break
      case 'x':
        next = { ...next, ...decodePax(await readExtension(input, header)) }
        break
      case 'g':
        global = { ...global, ...decodePax(await readExtension(input, header)) }
        break
      default: {
        const entry = { ...header, ...global, ...next }
        if (entry.isSparse) throw sparse(entry.name)
        yield entry
        next = {}
      }
    }
  }
}

/** The next header; undefined at the end of the archive, which is two blocks of zeros or, with some writers, nothing. */
async function readHeader(input: TarInput, isFirst: boolean): Promise<TarHeader | undefined> {
  const block = await input.read(BLOCK_BYTES)
  if (block.length === 0 && !isFirst) return undefined
  if (block.length < BLOCK_BYTES) throw isFirst ? notATar(block) : cutShort()
  if (isZeroBlock(block)) {
    const second = await input.read(BLOCK_BYTES)
    if (isZeroBlock(second)) return undefined
    throw corruptTar('a single block of zeros stands between its entries')
  }
  const header = decodeHeader(block)
  if (header !== undefined) return header
  throw isFirst ? notATar(block) : corruptTar('a header has the wrong checksum')
}

async function readExtension(input: TarInput, { sizeBytes }: TarHeader): Promise<Buffer> {
  if (sizeBytes > MAX_EXTENSION_BYTES) {
    throw new TarFormatError(
      'limit-exceeded',
      `a header in the tar archive has over ${MAX_EXTENSION_BYTES} bytes: ${SAVE_AGAIN}`,
    )
  }
  const body = await input.read(sizeBytes)
  if (body.length < sizeBytes) throw cutShort()
  await skip(input, input.position() + ((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES))
  return body
}

async function skip(input: TarInput, to: number): Promise<void> {
  await input.skip(to - input.position())
  if (input.position() < to) throw cutShort()
}

/** Ends with an error when the archive ends before the body does. */
async function* whole(input: TarInput, sizeBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  const end = input.position() + sizeBytes
  yield* input.body(sizeBytes)
  if (input.position() < end) throw cutShort()
}

function safeName(name: string, limits: TarLimits): string {
  if (name.length > limits.maxNameLength) {
    throw new TarFormatError(
      'limit-exceeded',
      `a name in the tar archive has over ${limits.maxNameLength} characters: ${SAVE_AGAIN}`,
    )
  }
  const problem = nameProblem(name)
  if (problem !== undefined) {
    const found = `the tar entry ${quoted(name)} has a name that ${problem}`
    throw new TarFormatError('unsafe-name', `${found}: ${SAVE_AGAIN}`)
  }
  return posix.normalize(name).replace(/\/$/u, '')
}

function nameProblem(name: string): string | undefined {
  if (name.startsWith('/') || name.split('/').includes('..')) return 'leads out of the archive'
  // No engine writes them, and names get into logs and onto terminals.
  return /\p{Cc}/u.test(name) ? 'holds control characters' : undefined
}

/** Before ustar, a folder was a file whose name ends with a slash. */
function typeOf({ typeFlag, name }: TarHeader): TarEntryType {
  const type = TYPES[typeFlag] ?? 'other'
  return type === 'file' && name.endsWith('/') ? 'directory' : type
}

/** Formats that people send in place of a tar archive, and what makes one of them. */
const FOREIGN = {
  gzip: 'gzip: decompress it with gunzip',
  zstd: 'zstd: decompress it with zstd -d',
  xz: 'xz: decompress it with xz -d',
  bzip2: 'bzip2: decompress it with bunzip2',
  zipEntry: 'zip: put the tar archive itself into the bundle',
} as const satisfies Partial<Record<SignedFormat, string>>

function notATar(start: Buffer): TarFormatError {
  const found = formatOf(start, Object.keys(FOREIGN) as (keyof typeof FOREIGN)[])
  const words = found === undefined ? `: ${SAVE_AGAIN}` : ` but ${FOREIGN[found]}`
  return new TarFormatError('not-a-tar', `the image file is not a tar archive${words}`)
}

/** Two entries of one name that are not the same: readers differ in which one counts. */
export function twoOfOneName(name: string): TarFormatError {
  const found = `the tar archive has two different entries named ${quoted(name)}`
  return new TarFormatError('duplicate-name', `${found}: ${SAVE_AGAIN}`)
}

function cutShort(): TarFormatError {
  return new TarFormatError('corrupt', `the tar archive is cut short: its end is missing; ${SAVE_AGAIN}`)
}

function sparse(name: string): TarFormatError {
  return new TarFormatError(
    'sparse',
    `the tar entry ${quoted(name)} is packed as a sparse file, which container engines do not write: make the archive without tar's option --sparse (-S), or ${SAVE_AGAIN}`,
  )
}

function tooMany(limits: TarLimits): TarFormatError {
  return new TarFormatError(
    'limit-exceeded',
    `the tar archive has over ${limits.maxEntries} entries: ${SAVE_AGAIN}`,
  )
}
