import { posix } from 'node:path'
import { type Extract, extract, type Header } from 'tar-stream'
import { drained } from './drained.ts'
import { TarFormatError } from './tar-format-error.ts'

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'link' | 'other'

/** One entry while the archive streams by. */
export interface TarEntry {
  /** Relative and normalized: no leading `./`, no trailing `/`. */
  readonly name: string
  readonly type: TarEntryType
  readonly sizeBytes: number
  /** Target of a symlink (relative to its folder) or of a link (relative to the root), as written. */
  readonly linkName: string
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

/**
 * Reads a tar as it streams by (ustar, GNU and PAX names and sizes); holds one chunk of it and the names seen.
 * Leaving the loop early closes the source.
 * @throws TarFormatError; what the source throws passes untouched.
 */
export async function* readTar(
  bytes: AsyncIterable<Uint8Array>,
  limits: TarLimits = DEFAULT_LIMITS,
): AsyncGenerator<TarEntry, void, undefined> {
  const archive = extract()
  const feed = startFeeding(bytes, archive)
  const names = new Set<string>()
  const told = (error: unknown): unknown => feed.failure?.error ?? translate(error, names.size === 0)
  try {
    for await (const { header, body } of entriesOf(archive)) {
      const name = safeName(header, limits)
      const type = typeOf(header)
      if (type !== 'directory' && names.has(name)) {
        throw new TarFormatError('duplicate-name', `the tar archive has two entries named ${quoted(name)}`)
      }
      if (names.add(name).size > limits.maxEntries) {
        throw new TarFormatError('limit-exceeded', `the tar archive has over ${limits.maxEntries} entries`)
      }
      yield { name, type, sizeBytes: header.size, linkName: header.linkname ?? '', body: shared(body, told) }
      while ((await body.next()).done !== true);
    }
  } catch (error) {
    throw told(error)
  } finally {
    archive.destroy()
    await feed.ended
  }
}

interface Feed {
  readonly ended: Promise<void>
  /** What the source threw: that is to be told, not what the archive says about its sudden end. */
  failure?: { readonly error: unknown }
}

function startFeeding(bytes: AsyncIterable<Uint8Array>, archive: Extract): Feed {
  const run = async (): Promise<void> => {
    try {
      for await (const chunk of bytes) {
        if (archive.destroyed) return
        if (!archive.write(chunk)) await drained(archive)
      }
      archive.end(null)
    } catch (error) {
      feed.failure = { error }
      archive.destroy(new Error('the source failed'))
    }
  }
  const feed: Feed = { ended: Promise.resolve().then(run) }
  return feed
}

interface RawEntry {
  readonly header: Header
  readonly body: AsyncIterator<Uint8Array>
}

/** The library's types leave open what its streams carry. */
async function* entriesOf(archive: Extract): AsyncGenerator<RawEntry, void, undefined> {
  for await (const entry of archive) {
    yield { header: entry.header, body: entry[Symbol.asyncIterator]() as AsyncIterator<Uint8Array> }
  }
}

/** Ending the loop over an entry must not destroy the archive, which the entry's own iterator would do. */
async function* shared(
  body: AsyncIterator<Uint8Array>,
  told: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (let next = await body.next(); next.done !== true; next = await body.next()) yield next.value
  } catch (error) {
    throw told(error)
  }
}

function safeName(header: Header, limits: TarLimits): string {
  if (header.name.length > limits.maxNameLength) {
    throw new TarFormatError(
      'limit-exceeded',
      `a name in the tar archive has over ${limits.maxNameLength} characters`,
    )
  }
  const isUnsafe =
    header.name.startsWith('/') || header.name.includes('\0') || header.name.split('/').includes('..')
  if (isUnsafe) {
    throw new TarFormatError(
      'unsafe-name',
      `the tar entry ${quoted(header.name)} has a name that leads out of the archive`,
    )
  }
  return posix.normalize(header.name).replace(/\/$/u, '')
}

function typeOf(header: Header): TarEntryType {
  switch (header.type) {
    case 'file':
    case 'contiguous-file':
      return 'file'
    case 'directory':
    case 'symlink':
    case 'link':
      return header.type
    default:
      return 'other'
  }
}

/** tar-stream throws bare errors. */
function translate(error: unknown, isFirst: boolean): unknown {
  if (error instanceof TarFormatError) return error
  const words = error instanceof Error ? error.message : String(error)
  return isFirst
    ? new TarFormatError('not-a-tar', 'the file is not a tar archive', { cause: error })
    : new TarFormatError('corrupt', `the tar archive is damaged or cut short: ${words}`, { cause: error })
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 200))
}
