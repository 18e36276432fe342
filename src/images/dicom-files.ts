import { Readable } from 'node:stream'
import pMap from 'p-map'
import { openZip, type ZipArchive, type ZipEntry } from '../archive/zip/read-zip.ts'
import type { ByteSource } from '../shared/byte-source.ts'
import type { Dimensions } from './dimensions.ts'
import { MAX_HEADER_BYTES } from './header-reader.ts'
import { readDimensions } from './read-dimensions.ts'
import { recogniseImage } from './recognise-image.ts'

/** A slide in DICOM: one file for each resolution level. Limits apply to the largest. */
export interface DicomFiles {
  readonly fileCount: number
  readonly largest: {
    readonly sizeBytes: number
    /** Size of the stored frame, usually a tile; undefined when the file does not state it. */
    readonly dimensions: Dimensions | undefined
  }
}

/**
 * Maximum number of compressed bytes read of one entry: deflated data may yield no output for gigabytes. Incompressible
 * content grows by far less than the factor of 2.
 */
const MAX_FETCHED_BYTES = 2 * MAX_HEADER_BYTES

/** Files inspected in parallel. Each needs one or two requests, and a series has hundreds of files. */
const MAX_CONCURRENT_READS = 32

/** Inspects a folder's files; undefined when there is none, or one is not a DICOM file. */
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
  await pMap(files, look, { concurrency: MAX_CONCURRENT_READS })
  return isDicom
}

/**
 * Inspects the files of a zip by their first bytes only. Sizes are those of the directory, and checksums are not
 * verified.
 * @throws ZipFormatError when it is not a zip, damaged or hostile
 */
export async function describeDicomZip(source: ByteSource): Promise<DicomFiles | undefined> {
  const zip = await openZip({
    sizeBytes: source.sizeBytes,
    read: (start, length) => source.read(start, Math.min(length, MAX_FETCHED_BYTES)),
  })
  return await describeDicomFiles(zip.entries.map((entry) => entryHead(zip, entry)))
}

/** Start of an entry, up to the maximum length of a header. */
function entryHead(zip: ZipArchive, entry: ZipEntry): ByteSource {
  let head: Promise<Buffer> | undefined
  return {
    sizeBytes: entry.sizeBytes,
    async read(start, length) {
      // A signature costs one short read. The header is read in many steps, which share one decompression.
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
