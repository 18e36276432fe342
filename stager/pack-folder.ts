import { accessSync, constants, createReadStream, type Dirent, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { folderNameProblem } from '../src/archive/folder-zip/folder-zip-name.ts'
import {
  type FolderFile,
  type FolderFileContent,
  folderZipSize,
  writeFolderZip,
} from '../src/archive/folder-zip/write-folder-zip.ts'
import { quoted } from '../src/contract/quoted.ts'
import { ARRAY_METADATA } from '../src/contract/staging.ts'
import { type Budget, ContentError, MAX_DEPTH } from './limits.ts'
import { readFolder } from './read-folder.ts'
import { createFollow, type Follow } from './symbolic-links.ts'
import type { Content } from './upload.ts'

/** Files up to this size are read synchronously and whole: ten times faster than a stream for each. */
const SMALL_FILE_BYTES = 1024 * 1024

const INDEX = /^\d+$/u

/** A folder as a zip of uncompressed entries. The size is known in advance, as a presigned PUT requires. */
export interface PackedFolder extends Content {
  open(): AsyncIterable<Uint8Array>
}

/** A file of a folder; `path` is set only when a link leads to it. */
interface ListedFile extends FolderFile {
  readonly path?: string
}

/** State of a listing. */
interface Listing {
  readonly follow: Follow
  readonly budget: Budget
  /** A parent is a link, so the name does not determine the path. */
  readonly isLinked: boolean
}

/**
 * Packs a folder as a zip with entries below `name`; each `open` packs again. Memory, bounded by the budget: the paths
 * of all files, 200 bytes for each, and a few MiB.
 * @throws ContentError when the budget is exceeded, folders are nested too deep, or a file's name cannot be in a zip or
 * its content cannot be read
 */
export function packFolder(
  folder: string,
  name: string,
  budget: Budget,
  follow: Follow = createFollow(folder, folder),
): PackedFolder {
  const files = [...listFiles({ follow, budget, isLinked: false }, folder, name, [])]
  const pathOf = (file: ListedFile) => file.path ?? join(folder, file.name.slice(name.length + 1))
  return {
    sizeBytes: folderZipSize(files),
    open: () => writeFolderZip(files, (file) => openFile(pathOf(file), file.sizeBytes)),
  }
}

/**
 * Regular files below a folder, and targets of links within the outputs; other links and devices are skipped. Array
 * items are in index order, which is their reading order, so that one request reads the zip.
 * @param around resolved parents; a link to one of them would make the listing endless
 */
function* listFiles(
  listing: Listing,
  folder: string,
  name: string,
  around: readonly string[],
): Generator<ListedFile, void, undefined> {
  if (around.length === MAX_DEPTH) {
    throw new ContentError(`folders are nested more than ${MAX_DEPTH} levels deep: ${quoted(name)}`)
  }
  const inside = [...around, folder]
  for (const entry of listEntries(listing, folder, name)) {
    const [path, child] = [join(folder, entry.name), `${name}/${entry.name}`]
    if (entry.kind === 'folder') yield* listFiles(listing, path, child, inside)
    else if (entry.kind === 'file') yield listedFile(listing, path, child)
    else yield* listLinked(listing, path, child, inside)
  }
}

function* listLinked(
  listing: Listing,
  link: string,
  name: string,
  around: readonly string[],
): Generator<ListedFile, void, undefined> {
  const target = listing.follow(link)
  const linked = { ...listing, isLinked: true }
  if (target?.info.isFile() === true) yield listedFile(linked, target.path, name)
  if (target?.info.isDirectory() !== true || around.includes(target.path)) return
  yield* listFiles(linked, target.path, name, around)
}

interface ListedEntry {
  readonly name: string
  readonly kind: 'file' | 'folder' | 'link'
}

/**
 * Entries of one folder in order. Every entry counts towards the budget, devices and links included, so that hostile folders are bounded.
 */
function listEntries({ budget }: Listing, folder: string, name: string): readonly ListedEntry[] {
  const nameBytes = Buffer.byteLength(name) + 1
  const listed: ListedEntry[] = []
  for (const entry of readable(name, () => readFolder(folder))) {
    budget.take({ files: 1, nameBytes: nameBytes + entry.name.length })
    const kind = kindOf(entry)
    if (kind === undefined) continue
    const problem = folderNameProblem(Buffer.concat([Buffer.from(`${name}/`), entry.name]))
    if (problem !== undefined) throw new ContentError(problem)
    listed.push({ name: entry.name.toString(), kind })
  }
  return listed.sort((a, b) => compareNames(a.name, b.name))
}

function kindOf(entry: Dirent<Buffer>): ListedEntry['kind'] | undefined {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'folder'
  return entry.isSymbolicLink() ? 'link' : undefined
}

function listedFile({ budget, isLinked }: Listing, path: string, name: string): ListedFile {
  const { size } = readable(name, () => {
    accessSync(path, constants.R_OK)
    return statSync(path)
  })
  budget.take({ bytes: size, nameBytes: isLinked ? Buffer.byteLength(path) : 0 })
  return { name, sizeBytes: size, ...(isLinked ? { path } : {}) }
}

/** System errors that the task's files cause. The stager runs as root, but some file systems still deny access. */
const REFUSALS: Readonly<Record<string, string>> = {
  EACCES: 'cannot be read; leave files and folders readable (chmod -R a+rX)',
  EPERM: 'cannot be read; leave files and folders readable (chmod -R a+rX)',
  ENAMETOOLONG: 'has a path that is too long to be read; use shorter names, or fewer levels of folders',
}

/** @throws ContentError in place of a system error that the task caused */
export function readable<Result>(name: string, read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    const refusal = REFUSALS[(error as NodeJS.ErrnoException).code ?? '']
    if (refusal === undefined) throw error
    throw new ContentError(`${quoted(name)} ${refusal}`, { cause: error })
  }
}

/** Order: `array.yml`, which readers need first, then indexes by number, then other names. */
function compareNames(a: string, b: string): number {
  const rank = (name: string): number => (name === ARRAY_METADATA ? 0 : INDEX.test(name) ? 1 : 2)
  const byRank = rank(a) - rank(b)
  if (byRank !== 0) return byRank
  // Longer numbers are larger; equal lengths compare as text.
  if (rank(a) === 1 && a.length !== b.length) return a.length - b.length
  return a < b ? -1 : 1
}

/** The checksum precedes the content, so a large file is read twice. */
function openFile(path: string, sizeBytes: number): FolderFileContent | Promise<FolderFileContent> {
  if (sizeBytes > SMALL_FILE_BYTES) return openLargeFile(path)
  const bytes = readFileSync(path)
  return { crc32: crc32(bytes), bytes: [bytes] }
}

async function openLargeFile(path: string): Promise<FolderFileContent> {
  let checksum = 0
  for await (const chunk of createReadStream(path)) checksum = crc32(chunk as Buffer, checksum)
  return { crc32: checksum, bytes: createReadStream(path) }
}
