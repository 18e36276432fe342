import { createHash, randomUUID } from 'node:crypto'
import type { Catalogue, Content, Page } from './catalogue.ts'
import type { ObjectName } from './objects.ts'
import { noSuchUpload, StorageError } from './storage-error.ts'

/** An unfinished multipart upload. */
export interface PendingUpload extends ObjectName {
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly initiatedMs: number
}

/** A part that has arrived. */
export interface StoredPart {
  readonly number: number
  readonly sizeBytes: number
  readonly etag: string
  readonly modifiedMs: number
}

/** A part in the body of CompleteMultipartUpload. */
export interface NamedPart {
  readonly number: number
  readonly etag: string
  readonly checksum?: string | undefined
}

/** Minimum size of every part but the last (S3 user guide, "multipart upload limits"). */
const MIN_PART_BYTES = 5 * 1024 * 1024
const MAX_PART_NUMBER = 10_000

interface UploadRow {
  readonly id: string
  readonly bucket: string
  readonly key: string
  readonly headers: string
  readonly initiated: number
}

/** S3's operations on multipart uploads. */
export function createMultipart(catalogue: Catalogue) {
  return { ...createPendingUploads(catalogue), ...createParts(catalogue) }
}

function createPendingUploads(catalogue: Catalogue) {
  const { all, run, transaction } = catalogue

  const forget = (id: string): string[] => {
    const parts = all<{ content: number }>('SELECT content FROM part WHERE upload = ?', id)
    run('DELETE FROM part WHERE upload = ?', id)
    run('DELETE FROM upload WHERE id = ?', id)
    return catalogue.dropContents(parts.map(({ content }) => content))
  }

  return {
    /** @throws StorageError NoSuchUpload */
    find: (name: ObjectName, id: string): PendingUpload => findUpload(catalogue, name, id),

    start({ bucket, key }: ObjectName, headers: Readonly<Record<string, string>>, nowMs: number): string {
      const id = randomUUID()
      run('INSERT INTO upload VALUES (?, ?, ?, ?, ?)', id, bucket, key, JSON.stringify(headers), nowMs)
      return id
    },

    /** Unfinished uploads of a bucket whose keys begin with `prefix`. */
    listUploads: (bucket: string, prefix: string): readonly PendingUpload[] =>
      all<UploadRow>(
        'SELECT * FROM upload WHERE bucket = ? AND substr(key, 1, length(?)) = ? ORDER BY key, initiated',
        bucket,
        prefix,
        prefix,
      ).map(pendingUpload),

    /**
     * Removes the upload and its parts.
     * @throws StorageError NoSuchUpload
     */
    remove: (name: ObjectName, id: string): string[] =>
      transaction(() => {
        findUpload(catalogue, name, id)
        return forget(id)
      }),

    /** Removes uploads that were started before a time. */
    removeBefore: (initiatedMs: number): string[] =>
      transaction(() =>
        all<{ id: string }>('SELECT id FROM upload WHERE initiated < ?', initiatedMs).flatMap(({ id }) =>
          forget(id),
        ),
      ),
  }
}

function createParts(catalogue: Catalogue) {
  const { get, all, run, transaction } = catalogue
  return {
    /** @throws StorageError NoSuchUpload */
    putPart: (
      name: ObjectName,
      { id, number }: { readonly id: string; readonly number: number },
      content: Content,
      nowMs: number,
    ): string[] =>
      transaction(() => {
        findUpload(catalogue, name, id)
        const before = get<{ content: number }>(
          'SELECT content FROM part WHERE upload = ? AND number = ?',
          id,
          number,
        )
        const added = catalogue.addContent(content)
        run('INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?)', id, number, added, nowMs)
        return before === undefined ? [] : catalogue.dropContents([before.content])
      }),

    /** @throws StorageError NoSuchUpload */
    listParts(name: ObjectName, id: string, { after, limit }: Page<number>): readonly StoredPart[] {
      findUpload(catalogue, name, id)
      const rows = all<{ number: number; size: number; etag: string; modified: number }>(
        `SELECT number, size, etag, modified FROM part JOIN content ON content.id = part.content
         WHERE upload = ? AND number > ? ORDER BY number LIMIT ?`,
        id,
        after,
        limit,
      )
      return rows.map(({ number, size, etag, modified }) => ({
        number,
        sizeBytes: size,
        etag,
        modifiedMs: modified,
      }))
    },

    /**
     * Creates the content from the parts.
     * @throws StorageError NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall
     */
    assemble(name: ObjectName, id: string, parts: readonly NamedPart[]): Content {
      findUpload(catalogue, name, id)
      const stored = parts.map(({ number, etag }) => storedPart(catalogue, id, { number, etag }))
      checkParts(parts, stored)
      return joined(stored)
    },
  }
}

function findUpload({ get }: Catalogue, { bucket, key }: ObjectName, id: string): PendingUpload {
  const row = get<UploadRow>('SELECT * FROM upload WHERE id = ? AND bucket = ? AND key = ?', id, bucket, key)
  if (row === undefined) throw noSuchUpload()
  return pendingUpload(row)
}

/** @throws StorageError InvalidPartOrder, EntityTooSmall */
function checkParts(parts: readonly NamedPart[], stored: readonly Content[]): void {
  const isOrdered = parts.every(
    ({ number }, index) => index === 0 || number > (parts[index - 1]?.number ?? 0),
  )
  if (!isOrdered)
    throw new StorageError(400, 'InvalidPartOrder', 'The parts must be named in ascending order.')
  if (stored.slice(0, -1).some(({ sizeBytes }) => sizeBytes < MIN_PART_BYTES)) {
    throw new StorageError(
      400,
      'EntityTooSmall',
      `Every part but the last one needs ${MIN_PART_BYTES} bytes.`,
    )
  }
}

/** The parts as one content, with the entity tag that S3 gives to it. */
function joined(parts: readonly Content[]): Content {
  const digest = createHash('md5')
  for (const { etag } of parts) digest.update(Buffer.from(etag.replaceAll('"', ''), 'hex'))
  return {
    sizeBytes: parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    etag: `"${digest.digest('hex')}-${parts.length}"`,
    segments: parts.flatMap(({ segments }) => segments),
  }
}

/** Parts of uploads. Methods that replace or remove return the data files that became unused. */
export type Multipart = ReturnType<typeof createMultipart>

/** @throws StorageError InvalidArgument */
export function checkPartNumber(number: number): number {
  if (Number.isInteger(number) && number >= 1 && number <= MAX_PART_NUMBER) return number
  throw new StorageError(
    400,
    'InvalidArgument',
    `Part number must be 1 to ${MAX_PART_NUMBER}, not ${number}.`,
  )
}

/** @throws StorageError InvalidPart */
function storedPart(catalogue: Catalogue, id: string, { number, etag }: NamedPart): Content {
  const row = catalogue.get<{ content: number }>(
    'SELECT content FROM part WHERE upload = ? AND number = ?',
    id,
    number,
  )
  const content = row && catalogue.findContent(row.content)
  if (content !== undefined && content.etag === `"${etag.replaceAll('"', '')}"`) return content
  throw new StorageError(400, 'InvalidPart', `Part ${number} is missing, or its entity tag is not ${etag}.`)
}

function pendingUpload({ id, bucket, key, headers, initiated }: UploadRow): PendingUpload {
  return { id, bucket, key, headers: JSON.parse(headers) as Record<string, string>, initiatedMs: initiated }
}
