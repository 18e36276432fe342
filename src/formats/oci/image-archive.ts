import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import type { z } from 'zod'
import { readTar } from '../tar/read-tar.ts'
import { OciFormatError } from './oci-format-error.ts'

/** Index, manifests and configs have some KiB; an SBOM beside them may have several MiB. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
/** Memory bound of a scan: documents by digest beyond it are not kept, those with a fixed name are. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024
const FIXED_NAMES: ReadonlySet<string> = new Set(['manifest.json', 'index.json'])
/** Links to links; docker save needs one step. */
const MAX_LINK_STEPS = 10

/** A file of the archive. */
export interface ArchiveFile {
  readonly name: string
  readonly sizeBytes: number
  /** Told by its place `blobs/sha256/<hex>`; to be checked. */
  readonly digest?: string
}

/** What lies in an image archive: all names, and the small JSON documents with content. */
export interface ImageArchive {
  /** The file of this name, links followed; undefined when there is none. */
  find(name: string): ArchiveFile | undefined
  /**
   * A JSON document, its digest checked when its place tells one; undefined when there is no such file.
   * @throws OciFormatError
   */
  read<Schema extends z.ZodType>(
    name: string,
    schema: Schema,
  ): { readonly bytes: Buffer; readonly value: z.infer<Schema> } | undefined
}

/**
 * First pass over an image archive: names, sizes, links and JSON documents. Holds at most some 40 MiB.
 * @throws TarFormatError
 */
export async function scanImageArchive(bytes: AsyncIterable<Uint8Array>): Promise<ImageArchive> {
  const sizes = new Map<string, number>()
  const links = new Map<string, string>()
  const documents = new Map<string, Buffer>()
  let keptBytes = 0
  for await (const { name, type, sizeBytes, linkName, body } of readTar(bytes)) {
    if (type === 'symlink') links.set(name, posix.join(posix.dirname(name), linkName))
    if (type === 'link') links.set(name, posix.normalize(linkName))
    if (type !== 'file') continue
    sizes.set(name, sizeBytes)
    const isKept = FIXED_NAMES.has(name) || keptBytes + sizeBytes <= MAX_KEPT_BYTES
    if (sizeBytes > MAX_DOCUMENT_BYTES || !isKept) continue
    const document = await readDocument(body)
    if (document === undefined) continue
    documents.set(name, document)
    keptBytes += document.length
  }
  return createArchive(sizes, links, documents)
}

/** Layers are skipped after their first chunk: JSON starts with a bracket, a layer with a file name or a magic number. */
async function readDocument(body: AsyncIterable<Uint8Array>): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) {
    if (chunks.length === 0 && !/^\s*[[{]/u.test(Buffer.from(chunk).toString('latin1', 0, 64)))
      return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function createArchive(
  sizes: ReadonlyMap<string, number>,
  links: ReadonlyMap<string, string>,
  documents: ReadonlyMap<string, Buffer>,
): ImageArchive {
  const find = (name: string): ArchiveFile | undefined => {
    let target = posix.normalize(name)
    for (let steps = 0; steps < MAX_LINK_STEPS && !sizes.has(target); steps += 1) {
      const next = links.get(target)
      if (next === undefined) return undefined
      target = next
    }
    const sizeBytes = sizes.get(target)
    if (sizeBytes === undefined) return undefined
    const hex = /^blobs\/sha256\/([0-9a-f]{64})$/u.exec(target)?.[1]
    return { name: target, sizeBytes, ...(hex !== undefined && { digest: `sha256:${hex}` }) }
  }
  return {
    find,
    read(name, schema) {
      const file = find(name)
      if (file === undefined) return undefined
      const bytes = documents.get(file.name)
      if (bytes === undefined) throw notADocument(file)
      checkDigest(file, bytes)
      const value = schema.safeParse(parseJson(name, bytes))
      if (value.success) return { bytes, value: value.data }
      const issue = value.error.issues[0]
      throw new OciFormatError(
        'invalid-document',
        `${name} in the image archive is not as expected: ${issue?.path.join('.')} ${issue?.message}`,
      )
    },
  }
}

function notADocument(file: ArchiveFile): OciFormatError {
  return file.sizeBytes > MAX_DOCUMENT_BYTES
    ? new OciFormatError(
        'limit-exceeded',
        `${file.name} in the image archive has ${file.sizeBytes} bytes; at most ${MAX_DOCUMENT_BYTES} are read`,
      )
    : new OciFormatError('invalid-document', `${file.name} in the image archive is not JSON`)
}

function checkDigest(file: ArchiveFile, bytes: Uint8Array): void {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  if (file.digest === undefined || file.digest === digest) return
  throw new OciFormatError('digest-mismatch', `${file.name} in the image archive has the digest ${digest}`)
}

function parseJson(name: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new OciFormatError('invalid-document', `${name} in the image archive is not JSON`, { cause: error })
  }
}
