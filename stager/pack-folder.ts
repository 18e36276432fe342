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
import { type Budget, ContentError, MAX_DEPTH } from './limits.ts'
import { createFollow, type Follow } from './links.ts'
import { readFolder } from './read-folder.ts'
import type { Content } from './upload.ts'

/** Files up to here are read whole, and at once: for small ones that is ten times faster than a stream each. */
const SMALL_FILE_BYTES = 1024 * 1024

/** File that tells an array's size; first, because its reader needs it first. */
const ARRAY_METADATA = 'array.yml'
const INDEX = /^\d+$/u

/** A folder as a zip of uncompressed entries; the size is known beforehand, which a presigned PUT needs. */
export interface PackedFolder extends Content {
  open(): AsyncIterable<Uint8Array>
}

/** A file of a folder; its path only where a link leads to it. */
interface ListedFile extends FolderFile {
  readonly path?: string
}

/** What listing a folder needs to know. */
interface Listing {
  readonly follow: Follow
  readonly budget: Budget
  /** The names of files no longer tell where they lie. */
  readonly isLinked: boolean
}

/**
 * A folder as a zip of entries below `name`, made anew each time it is opened. Memory is bounded by the budget: the paths of all
 * files and some 200 bytes for each are held, beside some MiB.
 * @throws ContentError when there is more than the budget has, folders nest too deep, or a file has a name that a zip cannot have
 * or cannot be read
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
 * Regular files below a folder, and those that links within the outputs lead to; other links, and devices, are left out. Items of
 * arrays come in the order of their indexes, which is the order of reading them: the zip is then read in one go.
 * @param around folders on the way here; a link back to one of them would have no end
 */
function* listFiles(
  listing: Listing,
  folder: string,
  name: string,
  around: readonly string[],
): Generator<ListedFile, void, undefined> {
  if (around.length === MAX_DEPTH) {
    throw new ContentError(`folders may lie ${MAX_DEPTH} deep, and here lie deeper: ${quoted(name)}`)
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

/** Entries of one folder in order. Every entry counts, so that links that double folders, or a million devices, come to an end. */
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

/** What the kernel refuses because of what the task left there; the stager is root, but not everywhere. */
const REFUSALS: Readonly<Record<string, string>> = {
  EACCES: 'may not be read; leave files and folders readable (chmod -R a+rX)',
  EPERM: 'may not be read; leave files and folders readable (chmod -R a+rX)',
  ENAMETOOLONG: 'has a path that is too long to be read; use shorter names, or fewer folders in folders',
}

/** @throws ContentError in the place of a refusal that is the task's doing */
export function readable<Result>(name: string, read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    const refusal = REFUSALS[(error as NodeJS.ErrnoException).code ?? '']
    if (refusal === undefined) throw error
    throw new ContentError(`${quoted(name)} ${refusal}`, { cause: error })
  }
}

/** `array.yml`, then indexes as numbers, then other names. */
function compareNames(a: string, b: string): number {
  const rank = (name: string): number => (name === ARRAY_METADATA ? 0 : INDEX.test(name) ? 1 : 2)
  const byRank = rank(a) - rank(b)
  if (byRank !== 0) return byRank
  // Longer numbers are larger; equal lengths compare as text.
  if (rank(a) === 1 && a.length !== b.length) return a.length - b.length
  return a < b ? -1 : 1
}

/** The checksum stands before the bytes, so a large file is read twice. */
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
