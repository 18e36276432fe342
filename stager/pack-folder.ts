import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import {
  type FolderFile,
  type FolderFileContent,
  folderZipSize,
  writeFolderZip,
} from '../src/formats/zip/write-folder-zip.ts'
import { type Budget, MAX_DEPTH } from './limits.ts'
import { createFollow, type Follow } from './links.ts'
import { FinalError } from './retry.ts'
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
  /** Name of the output. */
  readonly owner: string
  /** Folders count as files then, since links can double them again and again. */
  readonly isLinked: boolean
}

/**
 * A folder as a zip of entries below `name`, made anew each time it is opened. Memory is about 1 KiB a file, most of it while
 * folders are listed, and some MiB.
 * @throws FinalError when there is more than the budget has, or folders nest too deep
 */
export function packFolder(
  folder: string,
  name: string,
  budget: Budget,
  follow: Follow = createFollow(folder, folder),
): PackedFolder {
  const files: ListedFile[] = []
  for (const file of listFiles({ follow, budget, owner: name, isLinked: false }, folder, name, [])) {
    budget.take(name, { files: 1, bytes: file.sizeBytes })
    files.push(file)
  }
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
  if (around.length === MAX_DEPTH)
    throw new FinalError(`${name.slice(0, 200)}: folders may lie ${MAX_DEPTH} deep`)
  if (listing.isLinked) listing.budget.take(listing.owner, { files: 1 })
  const inside = [...around, folder]
  const entries = readdirSync(folder, { withFileTypes: true })
  for (const entry of entries.sort((a, b) => compareNames(a.name, b.name))) {
    const [path, child] = [join(folder, entry.name), `${name}/${entry.name}`]
    if (entry.isDirectory()) yield* listFiles(listing, path, child, inside)
    else if (entry.isFile()) {
      yield { name: child, sizeBytes: sizeOf(path, child), ...(listing.isLinked ? { path } : {}) }
    } else if (entry.isSymbolicLink()) yield* listLinked(listing, path, child, inside)
  }
}

function* listLinked(
  listing: Listing,
  link: string,
  name: string,
  around: readonly string[],
): Generator<ListedFile, void, undefined> {
  const target = listing.follow(link)
  if (target?.info.isFile() === true) yield { name, sizeBytes: target.info.size, path: target.path }
  if (target?.info.isDirectory() !== true || around.includes(target.path)) return
  yield* listFiles({ ...listing, isLinked: true }, target.path, name, around)
}

/** A name that is no UTF-8 was changed by reading it, and is not found again. */
function sizeOf(path: string, name: string): number {
  const info = statSync(path, { throwIfNoEntry: false })
  if (info === undefined) throw new FinalError(`${name.slice(0, 200)}: the name of a file is not UTF-8`)
  return info.size
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
