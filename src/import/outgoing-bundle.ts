import { crc32 } from 'node:zlib'
import { directoryRecord, endRecords, localHeader } from '../archive/folder-zip/folder-zip-records.ts'
import { walkTar } from '../archive/tar/read-tar.ts'
import { TarFormatError } from '../archive/tar/tar-format-error.ts'
import { BLOCK_BYTES } from '../archive/tar/tar-header.ts'
import { rangedInput } from '../archive/tar/tar-input.ts'
import { createCrcCoverage } from '../archive/zip/crc-coverage.ts'
import type { ZipArchive } from '../archive/zip/read-zip.ts'
import { ZipFormatError } from '../archive/zip/zip-format-error.ts'
import { DomainError } from '../contract/errors.ts'
import { type ByteSource, bufferSource, joinedSource, sectionOf } from '../shared/byte-source.ts'
import { parseTaskDescriptor } from '../task/descriptor/parse-task-descriptor.ts'
import type { LayerName } from '../upload/mark-held.ts'
import { findImage } from './image/find-image.ts'
import { scanImageArchive } from './image/image-archive.ts'
import { looksCompressed } from './image/layer-start.ts'
import { OciFormatError } from './image/oci-format-error.ts'
import { decodeDescriptor, documentedTag, findImageEntry, openBundle, readLogo } from './open-bundle.ts'

/*
 * Client side of uploads without the layers that the registry has. Reads the bundle with the importer's code, so that
 * both choose the same image and the same files as its layers.
 */

/** A bundle that a client is going to send. */
export interface OutgoingBundle {
  /** Layers that the client can name when it creates the upload. Empty when the image archive is deflated or cannot be read. */
  readonly layers: readonly LayerName[]
  /**
   * The bundle without the layers of these digests: descriptor, logo and image archive as stored entries. The same digests give
   * the same bytes, so that an interrupted upload can be resumed. Reads the remaining content once, for its checksum. Without
   * digests: the bundle itself.
   */
  without(held: ReadonlySet<string>): Promise<ByteSource>
}

/** A layer's file in the image archive. */
interface OutgoingLayer extends LayerName {
  readonly file: string
}

interface OutgoingImage {
  /** Name of the image archive in the zip. */
  readonly entryName: string
  readonly archive: ByteSource
  readonly layers: readonly OutgoingLayer[]
}

/**
 * Inspects a bundle: reads headers and documents, but no layer. A bundle that cannot be read has no layers to name; the service
 * reports the reason.
 */
export async function openOutgoingBundle(source: ByteSource): Promise<OutgoingBundle> {
  const opened = await openImage(source).catch((error: unknown) => {
    if (isRefusal(error)) return undefined
    throw error
  })
  if (opened === undefined) return { layers: [], without: async () => source }
  const { zip, descriptor, image } = opened
  return {
    layers: image.layers.map(({ digest, size }) => ({ digest, size })),
    async without(held) {
      const dropped = new Set(image.layers.flatMap(({ digest, file }) => (held.has(digest) ? [file] : [])))
      if (dropped.size === 0) return source
      const logo = await readLogo(zip)
      return await packStored([
        { name: 'descriptor.yml', content: bufferSource(descriptor) },
        ...(logo === undefined ? [] : [{ name: 'logo.png', content: bufferSource(logo) }]),
        { name: image.entryName, content: await withoutFiles(image.archive, dropped) },
      ])
    },
  }
}

function isRefusal(error: unknown): boolean {
  const kinds = [DomainError, ZipFormatError, TarFormatError, OciFormatError]
  return kinds.some((kind) => error instanceof kind)
}

async function openImage(source: ByteSource) {
  const { zip, descriptor } = await openBundle({ source, etag: '' })
  const parsed = parseTaskDescriptor(decodeDescriptor(descriptor), { newId: () => '', defaultRamBytes: 0 })
  if ('problems' in parsed) return undefined
  const image = await findLayerFiles(zip, parsed.descriptor)
  return image === undefined ? undefined : { zip, descriptor, image }
}

async function findLayerFiles(
  zip: ZipArchive,
  descriptor: Parameters<typeof findImageEntry>[1],
): Promise<OutgoingImage | undefined> {
  const entry = findImageEntry(zip, descriptor)
  const stored = await zip.stored(entry)
  if (stored === undefined) return undefined
  const compressed = new Set<string>()
  const scanned = await scanImageArchive(
    walkTar(rangedInput(stored.source, createCrcCoverage())),
    async ({ name }, start) => {
      if (looksCompressed(start)) compressed.add(name)
    },
  )
  const image = findImage(scanned, documentedTag(descriptor))
  const layers = image.layers.flatMap(({ file, diffId }) => {
    // The digest of a plain tar is its diff id. A compressed file would have to be read completely.
    const digest = file.digest ?? (compressed.has(file.name) ? undefined : diffId)
    if (digest === undefined || scanned.repeated.has(file.name)) return []
    return [{ digest, size: file.sizeBytes, file: file.name }]
  })
  return {
    entryName: entry.name,
    archive: stored.source,
    layers: [...new Map(layers.map((layer) => [layer.digest, layer])).values()],
  }
}

/** A tar without some of its files; the other bytes are unchanged. */
async function withoutFiles(archive: ByteSource, dropped: ReadonlySet<string>): Promise<ByteSource> {
  const kept: ByteSource[] = []
  let keptFrom = 0
  let end = 0
  const keepTo = (to: number): void => {
    if (to > keptFrom) kept.push(sectionOf(archive, keptFrom, to - keptFrom))
  }
  for await (const { name, type, sizeBytes, offset } of walkTar(rangedInput(archive, createCrcCoverage()))) {
    const start = end
    end = offset + Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES
    if (type !== 'file' || !dropped.has(name)) continue
    // Headers with a long name are between the end of the previous entry and this one.
    keepTo(start)
    keptFrom = end
  }
  keepTo(archive.sizeBytes)
  return joinedSource(kept)
}

interface StoredFile {
  readonly name: string
  readonly content: ByteSource
}

/** A zip of stored entries with random access; each content is read once. */
async function packStored(files: readonly StoredFile[]): Promise<ByteSource> {
  const pieces: ByteSource[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, content } of files) {
    const { sizeBytes } = content
    const entry = { name: Buffer.from(name), sizeBytes, crc32: await checksumOf(content) }
    const header = localHeader(entry)
    directory.push(directoryRecord(entry, offset))
    pieces.push(bufferSource(header), content)
    offset += header.length + sizeBytes
  }
  const records = Buffer.concat(directory)
  const facts = { count: files.length, directorySizeBytes: records.length, directoryOffset: offset }
  return joinedSource([...pieces, bufferSource(Buffer.concat([records, endRecords(facts)]))])
}

async function checksumOf(source: ByteSource): Promise<number> {
  let crc = 0
  if (source.sizeBytes === 0) return crc
  for await (const chunk of await source.read(0, source.sizeBytes)) crc = crc32(chunk as Buffer, crc)
  return crc
}
