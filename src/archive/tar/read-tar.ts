import { posix } from 'node:path'
import { quoted } from '../../contract/quoted.ts'
import { formatOf, type SignedFormat } from '../../shared/file-signatures.ts'
import { corruptTar, SAVE_AGAIN, TarFormatError } from './tar-format-error.ts'
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
import { streamInput, type TarInput } from './tar-input.ts'

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'link' | 'other'

/** One entry of a streamed archive. */
export interface TarEntry {
  /** Relative and normalized: no leading `./`, no trailing `/`, no control characters. */
  readonly name: string
  readonly type: TarEntryType
  readonly sizeBytes: number
  /** Offset of the content in the archive. */
  readonly offset: number
  /** Target of a symlink (relative to its folder) or of a link (relative to the root), as written. */
  readonly linkName: string
  /** An earlier file has this name and size. The reader must compare the bytes. */
  readonly isRepeated: boolean
  /** Content; must be read before the next entry is requested. Unread bytes are skipped. */
  readonly body: AsyncIterable<Uint8Array>
}

/** Limits on a hostile archive. */
export interface TarLimits {
  readonly maxEntries: number
  readonly maxNameLength: number
}

// An image has at most 127 layers and a handful of entries for each; 4096 is the longest path of Linux.
const DEFAULT_LIMITS: TarLimits = { maxEntries: 20_000, maxNameLength: 4096 }

const TYPES: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
  '5': 'directory',
}

/**
 * Reads a tar stream (ustar, GNU and pax names and sizes). Memory: one chunk and the names seen. Leaving the loop early
 * closes the source; otherwise it is read to its end.
 * @throws TarFormatError; errors of the source unchanged
 */
export function readTar(
  bytes: AsyncIterable<Uint8Array>,
  limits: TarLimits = DEFAULT_LIMITS,
): AsyncGenerator<TarEntry, void, undefined> {
  return walkTar(streamInput(bytes), limits)
}

/**
 * Reads the entries of an archive from any input.
 * @throws TarFormatError; errors of the input unchanged
 */
export async function* walkTar(
  input: TarInput,
  limits: TarLimits = DEFAULT_LIMITS,
): AsyncGenerator<TarEntry, void, undefined> {
  /** Type, size and link target of the first entry of each name. */
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
      // Skips the unread body, and the padding to a whole block.
      await skip(input, offset + sizeBytes)
      await skip(input, offset + Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES)
    }
    await input.drain()
  } finally {
    await input.close()
  }
}

/** Headers with the preceding long names and pax records applied. */
async function* headersOf(input: TarInput, limits: TarLimits): AsyncGenerator<TarHeader, void, undefined> {
  let global: HeaderOverrides = {}
  let next: HeaderOverrides = {}
  for (let count = 0; ; count += 1) {
    const header = await readHeader(input, count === 0)
    if (header === undefined) return
    // Extension headers count too, so an archive of nothing else is bounded.
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

/** The next header; undefined at the end, which is two blocks of zeros or, with some writers, the end of the file. */
async function readHeader(input: TarInput, isFirst: boolean): Promise<TarHeader | undefined> {
  const block = await input.read(BLOCK_BYTES)
  if (block.length === 0 && !isFirst) return undefined
  if (block.length < BLOCK_BYTES) throw isFirst ? notATar(block) : cutShort()
  if (isZeroBlock(block)) {
    const second = await input.read(BLOCK_BYTES)
    if (isZeroBlock(second)) return undefined
    throw corruptTar('a single block of zeros is between its entries')
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

/** @throws TarFormatError when the archive ends before the body */
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
  if (name.startsWith('/') || name.split('/').includes('..')) return 'points outside the archive'
  // Container engines write no control characters, and names are logged and printed on terminals.
  return /\p{Cc}/u.test(name) ? 'has control characters' : undefined
}

/** Before ustar, a directory was a file whose name ends with a slash. */
function typeOf({ typeFlag, name }: TarHeader): TarEntryType {
  const type = TYPES[typeFlag] ?? 'other'
  return type === 'file' && name.endsWith('/') ? 'directory' : type
}

/** Formats that users send in place of a tar archive, with the remedy. */
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

/** Error for two different entries of one name: readers differ in which one they use. */
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
