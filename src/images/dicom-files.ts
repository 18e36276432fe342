import { Readable } from 'node:stream'
import pMap from 'p-map'
import { openZip, type ZipArchive, type ZipEntry } from '../archive/zip/read-zip.ts'
import type { ByteSource } from '../shared/byte-source.ts'
import type { Dimensions } from './dimensions.ts'
import { MAX_HEADER_BYTES } from './header-reader.ts'
import { readDimensions } from './read-dimensions.ts'
import { recogniseImage } from './recognise-image.ts'

/** A slide in DICOM: one file a resolution level, so that limits apply to the largest. */
export interface DicomFiles {
  readonly fileCount: number
  readonly largest: {
    readonly sizeBytes: number
    /** Of the stored frame, a tile as a rule; undefined when the file does not tell. */
    readonly dimensions: Dimensions | undefined
  }
}

/**
 * Deflate may say nothing for gigabytes, and entries may share their bytes; so no more than this is fetched for a look into one.
 * Incompressible content grows by far less.
 */
const MAX_FETCHED_BYTES = 2 * MAX_HEADER_BYTES

/** Each look is a request or two to a bucket, and a series has hundreds of files. */
const LOOKS_AT_ONCE = 32

/** Looks at a folder's files, several at once; undefined when there is none or one is no DICOM file. */
export async function describeDicomFiles(files: readonly ByteSource[]): Promise<DicomFiles | undefined> {
  let largest: ByteSource | undefined
  for (const file of files) {
    if (largest === undefined || file.sizeBytes > largest.sizeBytes) largest = file
  }
  if (largest === undefined || !(await areDicom(files))) return undefined
  return {
    fileCount: files.length,
    largest: { sizeBytes: largest.sizeBytes, dimensions: await readDimensions(largest, 'dicom') },
  }
}

async function areDicom(files: readonly ByteSource[]): Promise<boolean> {
  let isDicom = true
  const look = async (file: ByteSource): Promise<void> => {
    if (isDicom && (await recogniseImage(file, ['dicom'])) === undefined) isDicom = false
  }
  await pMap(files, look, { concurrency: LOOKS_AT_ONCE })
  return isDicom
}

/**
 * The same for the files of a zip, of which only the first bytes are inflated: sizes are those that the zip announces, and
 * checksums are left to whoever unpacks it.
 * @throws ZipFormatError when it is no zip, damaged, or made to do harm.
 */
export async function describeDicomZip(source: ByteSource): Promise<DicomFiles | undefined> {
  const zip = await openZip({
    sizeBytes: source.sizeBytes,
    read: (start, length) => source.read(start, Math.min(length, MAX_FETCHED_BYTES)),
  })
  return await describeDicomFiles(zip.entries.map((entry) => entryHead(zip, entry)))
}

/** The entry as if it were cut after the longest header. */
function entryHead(zip: ZipArchive, entry: ZipEntry): ByteSource {
  let head: Promise<Buffer> | undefined
  return {
    sizeBytes: entry.sizeBytes,
    async read(start, length) {
      // A signature costs little; who reads on does so in many steps, which must not inflate the same bytes each time.
      if (start === 0) return Readable.from([await firstBytes(zip.read(entry), length)])
      head ??= firstBytes(zip.read(entry), MAX_HEADER_BYTES)
      return Readable.from([(await head).subarray(start, start + length)])
    },
  }
}

async function firstBytes(chunks: AsyncIterable<Uint8Array>, lengthBytes: number): Promise<Buffer> {
  const taken: Uint8Array[] = []
  let takenBytes = 0
  for await (const chunk of chunks) {
    taken.push(chunk)
    takenBytes += chunk.length
    if (takenBytes >= lengthBytes) break
  }
  return Buffer.concat(taken).subarray(0, lengthBytes)
}
