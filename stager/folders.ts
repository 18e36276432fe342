import { createReadStream, createWriteStream, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'
import yauzl from 'yauzl'
import {
  type FolderFile,
  type FolderFileContent,
  folderZipSize,
  writeFolderZip,
} from '../src/formats/zip/write-folder-zip.ts'

/**
 * 300 000 files were measured to take 370 MiB, and the container has 512. A task that floods its folder gets a clear end.
 */
const MAX_FILES = 400_000

/** Files up to here are read whole, and at once: for small ones that is ten times faster than a stream each. */
const SMALL_FILE_BYTES = 1024 * 1024

/** File that tells an array's size; first, because its reader needs it first. */
const ARRAY_METADATA = 'array.yml'
const INDEX = /^\d+$/u

/**
 * Regular files below a folder; links and devices are left out. Items of arrays come in the order of their indexes, which is
 * the order of reading them: the zip is then read in one go.
 */
function* listFiles(folder: string, name: string): Generator<FolderFile, void, undefined> {
  const entries = readdirSync(folder, { withFileTypes: true })
  const known = new Map(entries.map((entry) => [entry.name, entry]))
  for (const child of [...known.keys()].sort(compareNames)) {
    const [entry, path] = [known.get(child), join(folder, child)]
    if (entry?.isDirectory()) yield* listFiles(path, `${name}/${child}`)
    else if (entry?.isFile()) yield { name: `${name}/${child}`, sizeBytes: statSync(path).size }
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

/**
 * A folder as a zip of uncompressed entries below `name`, streamed; its size is known beforehand, which a presigned PUT needs.
 * Memory is about 1 KiB a file, most of it while folders are listed, and some MiB.
 * @throws Error when there are too many files
 */
export async function packFolder(
  folder: string,
  name: string,
): Promise<{ readonly sizeBytes: number; readonly stream: Readable }> {
  const files: FolderFile[] = []
  for (const file of listFiles(folder, name)) {
    if (files.length === MAX_FILES) throw new Error(`${folder} has more than ${MAX_FILES} files`)
    files.push(file)
  }
  const open = (file: FolderFile) => openFile(join(folder, file.name.slice(name.length + 1)), file.sizeBytes)
  return { sizeBytes: folderZipSize(files), stream: Readable.from(writeFolderZip(files, open)) }
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

/**
 * Unpacks a zip that the App Engine made below a folder, and removes the zip.
 * @param safe throws for a name that leaves the folder
 */
export async function unpackFolder(
  zipPath: string,
  folder: string,
  safe: (name: string) => string,
): Promise<void> {
  const zip = await yauzl.openPromise(zipPath)
  for await (const entry of zip.eachEntry()) {
    const target = join(folder, safe(entry.fileName))
    await mkdir(dirname(target), { recursive: true })
    await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(target))
  }
  await rm(zipPath)
}
