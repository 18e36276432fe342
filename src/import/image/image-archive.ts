import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import type { z } from 'zod'
import type { TarEntry } from '../../archive/tar/read-tar.ts'
import { SAVE_AGAIN } from '../../archive/tar/tar-format-error.ts'
import { printable, quoted } from '../../contract/quoted.ts'
import { peek } from '../../shared/peek.ts'
import type { PublishedLayer } from '../../upload/published-layer.ts'
import { looksLikeLayer } from './layer-start.ts'
import { OciFormatError } from './oci-format-error.ts'

/**
 * Indexes, manifests and configs have a few KiB, SBOMs several MiB. Parsing needs up to 33 bytes of memory for each
 * byte of JSON (an empty object of 3 bytes, `{},`, takes 100).
 */
const MAX_DOCUMENT_BYTES = 2 * 1024 * 1024
/** Memory bound of a scan. Documents beyond it are dropped, except those with a fixed name. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024
const FIXED_NAMES: ReadonlySet<string> = new Set(['manifest.json', 'index.json'])
/** Size of a tar header, which identifies layers. */
const START_BYTES = 512
/** Maximum number of links that are followed for one name; archives of docker save need one. */
const MAX_LINK_STEPS = 10
/** Maximum length of a path within a document in a message. */
const MAX_PATH_LENGTH = 100

export interface ArchiveFile {
  readonly name: string
  readonly sizeBytes: number
  /** Digest from its path `blobs/sha256/<hex>`, to be verified. */
  readonly digest?: string
  /** The archive lacks the file; size and digest are those of the blob in the registry. */
  readonly held?: PublishedLayer
}

/** Contents of an image archive: all names, and the content of small JSON documents. */
export interface ImageArchive {
  /** Files that occur repeatedly with the same size; {@link requireSameBytes} compares them. */
  readonly repeated: ReadonlySet<string>
  /** The file of this name, links resolved; undefined when there is none. */
  find(name: string): ArchiveFile | undefined
  /** Name at the end of the links from this name, even if no such file exists. */
  target(name: string): string
  /**
   * Parses a JSON document, its digest verified when its path gives one; undefined when there is no such file.
   * @throws OciFormatError
   */
  read<Schema extends z.ZodType>(
    name: string,
    schema: Schema,
  ): { readonly bytes: Buffer; readonly value: z.infer<Schema> } | undefined
}

/** Receives a file that is not a JSON document. `start` has the first bytes of `body`. Unread bytes are skipped. */
export type TakeFile = (
  file: ArchiveFile,
  start: Buffer,
  body: AsyncIterable<Uint8Array>,
  offset: number,
) => Promise<void>

/**
 * Scans an image archive. Keeps names, sizes, links and JSON documents (40 MiB at most), and passes other files to
 * `take`.
 * @throws TarFormatError; errors of `take`
 */
export async function scanImageArchive(
  entries: AsyncIterable<TarEntry>,
  take: TakeFile = async () => {},
): Promise<ImageArchive> {
  const sizes = new Map<string, number>()
  const links = new Map<string, string>()
  const documents = new Map<string, Buffer>()
  const unkept = new Set<string>()
  const repeated = new Set<string>()
  let keptBytes = 0
  for await (const { name, type, sizeBytes, linkName, isRepeated, body, offset } of entries) {
    if (isRepeated) repeated.add(name)
    if (isRepeated) continue
    if (type === 'symlink') links.set(name, posix.join(posix.dirname(name), linkName))
    if (type === 'link') links.set(name, posix.normalize(linkName))
    if (type !== 'file') continue
    sizes.set(name, sizeBytes)
    const { start, all } = await peek(body, START_BYTES)
    const isKept = FIXED_NAMES.has(name) || keptBytes + sizeBytes <= MAX_KEPT_BYTES
    const isSmallDocument = isDocument(start) && sizeBytes <= MAX_DOCUMENT_BYTES
    if (isSmallDocument && !isKept) unkept.add(name)
    if (isSmallDocument && isKept) {
      const chunks: Uint8Array[] = []
      for await (const chunk of all) chunks.push(chunk)
      const document = Buffer.concat(chunks)
      documents.set(name, document)
      keptBytes += document.length
    } else await take(fileOf(name, sizeBytes), start, all, offset)
  }
  return createArchive({ sizes, links, documents, unkept, repeated })
}

/** JSON starts with a bracket. So does a plain layer whose first file is named `[id].js`, but that is a tar header. */
function isDocument(start: Buffer): boolean {
  return /^\s*[[{]/u.test(start.toString('latin1', 0, 64)) && !looksLikeLayer(start)
}

function fileOf(name: string, sizeBytes: number): ArchiveFile {
  const digest = digestOfPlace(name)
  return { name, sizeBytes, ...(digest !== undefined && { digest }) }
}

/** Digest that a file of an OCI layout must have, from its path. */
export function digestOfPlace(name: string): string | undefined {
  const hex = /^blobs\/sha256\/([0-9a-f]{64})$/u.exec(name)?.[1]
  return hex === undefined ? undefined : `sha256:${hex}`
}

interface ScannedArchive {
  readonly sizes: ReadonlyMap<string, number>
  readonly links: ReadonlyMap<string, string>
  readonly documents: ReadonlyMap<string, Buffer>
  /** Documents that were dropped because of {@link MAX_KEPT_BYTES}. */
  readonly unkept: ReadonlySet<string>
  readonly repeated: ReadonlySet<string>
}

function createArchive({ sizes, links, documents, unkept, repeated }: ScannedArchive): ImageArchive {
  const targetOf = (name: string): string => {
    let target = posix.normalize(name)
    for (let steps = 0; steps < MAX_LINK_STEPS && !sizes.has(target); steps += 1) {
      const next = links.get(target)
      if (next === undefined) break
      target = next
    }
    return target
  }
  const find = (name: string): ArchiveFile | undefined => {
    const target = targetOf(name)
    const sizeBytes = sizes.get(target)
    return sizeBytes === undefined ? undefined : fileOf(target, sizeBytes)
  }
  return {
    repeated,
    find,
    target: targetOf,
    read(name, schema) {
      const file = find(name)
      if (file === undefined) return undefined
      const bytes = documents.get(file.name)
      if (bytes === undefined) throw unkept.has(file.name) ? tooManyDocuments() : notADocument(file)
      checkDigest(file, bytes)
      const value = schema.safeParse(parseJson(file, bytes))
      if (value.success) return { bytes, value: value.data }
      throw invalid(file, value.error)
    },
  }
}

function tooManyDocuments(): OciFormatError {
  return new OciFormatError(
    'limit-exceeded',
    `the image archive has over ${MAX_KEPT_BYTES} bytes of manifests, configs and attestations: save one image only, built with --provenance=false --sbom=false`,
  )
}

function notADocument(file: ArchiveFile): OciFormatError {
  return file.sizeBytes > MAX_DOCUMENT_BYTES
    ? new OciFormatError(
        'limit-exceeded',
        `${quoted(file.name)} in the image archive has ${file.sizeBytes} bytes; at most ${MAX_DOCUMENT_BYTES} are read: build the image with fewer and shorter labels`,
      )
    : notJson(file)
}

function checkDigest(file: ArchiveFile, bytes: Uint8Array): void {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  if (file.digest === undefined || file.digest === digest) return
  throw new OciFormatError(
    'digest-mismatch',
    `${quoted(file.name)} in the image archive has the digest ${digest}, which differs from its name: ${SAVE_AGAIN}`,
  )
}

function parseJson(file: ArchiveFile, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw notJson(file, error)
  }
}

function notJson({ name }: ArchiveFile, cause?: unknown): OciFormatError {
  const words = `${quoted(name)} in the image archive is not JSON: ${SAVE_AGAIN}`
  return new OciFormatError('invalid-document', words, cause === undefined ? undefined : { cause })
}

function invalid({ name }: ArchiveFile, { issues: [issue] }: z.ZodError): OciFormatError {
  const path = issue?.path.length ? printable(issue.path.join('.'), MAX_PATH_LENGTH) : 'its top'
  return new OciFormatError(
    'invalid-document',
    `${quoted(name)} in the image archive is not as expected, at ${path} (${issue?.message}): ${SAVE_AGAIN}`,
  )
}
