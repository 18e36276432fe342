import type { Catalogue, Content, Page, StoredObject } from './catalogue.ts'
import { noSuchBucket, noSuchKey, StorageError } from './storage-error.ts'

/** Bucket and key of an object. */
export interface ObjectName {
  readonly bucket: string
  readonly key: string
}

/** Content of a write, and its conditions. */
export interface ObjectWrite {
  readonly content: Content
  readonly headers: Readonly<Record<string, string>>
  /** `If-None-Match: *`: fails if the object exists. */
  readonly ifAbsent?: boolean
  /** Body of the event that is recorded in the same transaction. */
  readonly event?: { readonly id: string; readonly body: string }
}

interface ObjectRow {
  readonly key: string
  readonly content: number
  readonly modified: number
  readonly headers: string
}

/** S3's operations on whole objects. */
export function createObjects(catalogue: Catalogue) {
  return { ...createBuckets(catalogue), ...createReads(catalogue), ...createWrites(catalogue) }
}

function createBuckets(catalogue: Catalogue) {
  const { get, run, transaction } = catalogue
  return {
    /** @throws StorageError NoSuchBucket */
    checkBucket: (name: string): void => checkBucket(catalogue, name),

    /** @returns whether it was created; false when it exists */
    createBucket: (name: string): boolean => run('INSERT OR IGNORE INTO bucket VALUES (?)', name) > 0,

    /** @throws StorageError NoSuchBucket, BucketNotEmpty */
    deleteBucket: (name: string): void =>
      transaction(() => {
        checkBucket(catalogue, name)
        if (get('SELECT 1 FROM object WHERE bucket = ? LIMIT 1', name) !== undefined) {
          throw new StorageError(409, 'BucketNotEmpty', `The bucket ${name} still contains objects.`)
        }
        run('DELETE FROM bucket WHERE name = ?', name)
      }),
  }
}

function createReads(catalogue: Catalogue) {
  return {
    /** @throws StorageError NoSuchBucket, NoSuchKey */
    find(name: ObjectName): StoredObject {
      checkBucket(catalogue, name.bucket)
      const row = rowOf(catalogue, name)
      if (row === undefined) throw noSuchKey()
      const headers = JSON.parse(row.headers) as Record<string, string>
      return { ...catalogue.findContent(row.content), key: row.key, modifiedMs: row.modified, headers }
    },

    /** Objects whose keys begin with `prefix`, in the order of their keys. @throws StorageError NoSuchBucket */
    list(
      bucket: string,
      prefix: string,
      { after, limit }: Page<string>,
    ): readonly Omit<StoredObject, 'segments' | 'headers'>[] {
      checkBucket(catalogue, bucket)
      const rows = catalogue.all<{ key: string; modified: number; size: number; etag: string }>(
        `SELECT key, modified, size, etag FROM object JOIN content ON content.id = object.content
         WHERE bucket = ? AND key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?`,
        bucket,
        prefix,
        endOf(prefix),
        after,
        limit,
      )
      return rows.map(({ key, modified, size, etag }) => ({
        key,
        modifiedMs: modified,
        sizeBytes: size,
        etag,
      }))
    },
  }
}

function createWrites(catalogue: Catalogue) {
  const { all, run, transaction } = catalogue
  return {
    /** @throws StorageError NoSuchBucket, PreconditionFailed */
    put: (
      name: ObjectName,
      { content, headers, ifAbsent, event }: ObjectWrite,
      modifiedMs: number,
    ): string[] =>
      transaction(() => {
        checkBucket(catalogue, name.bucket)
        const before = rowOf(catalogue, name)
        if (before !== undefined && ifAbsent === true) {
          throw new StorageError(412, 'PreconditionFailed', 'The object exists already.')
        }
        const id = catalogue.addContent(content)
        run(
          'INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?)',
          name.bucket,
          name.key,
          id,
          modifiedMs,
          JSON.stringify(headers),
        )
        if (event !== undefined) run('INSERT INTO event VALUES (?, ?)', event.id, event.body)
        return before === undefined ? [] : catalogue.dropContents([before.content])
      }),

    /** Keys that do not exist are ignored. @throws StorageError NoSuchBucket */
    remove: (bucket: string, keys: readonly string[]): string[] =>
      transaction(() => {
        checkBucket(catalogue, bucket)
        const rows = keys.map((key) => rowOf(catalogue, { bucket, key })).filter((row) => row !== undefined)
        for (const { key } of rows) run('DELETE FROM object WHERE bucket = ? AND key = ?', bucket, key)
        return catalogue.dropContents(rows.map(({ content }) => content))
      }),

    /** Removes objects of every bucket whose keys begin with `prefix` and that were written before a time. */
    expire: (prefix: string, modifiedMs: number): string[] =>
      transaction(() => {
        const rows = all<ObjectRow & { bucket: string }>(
          'SELECT * FROM object WHERE key >= ? AND key < ? AND modified < ?',
          prefix,
          endOf(prefix),
          modifiedMs,
        )
        for (const { bucket, key } of rows)
          run('DELETE FROM object WHERE bucket = ? AND key = ?', bucket, key)
        return catalogue.dropContents(rows.map(({ content }) => content))
      }),
  }
}

/** @throws StorageError NoSuchBucket */
function checkBucket({ get }: Catalogue, name: string): void {
  if (get('SELECT 1 FROM bucket WHERE name = ?', name) === undefined) throw noSuchBucket(name)
}

function rowOf({ get }: Catalogue, { bucket, key }: ObjectName): ObjectRow | undefined {
  return get<ObjectRow>(
    'SELECT key, content, modified, headers FROM object WHERE bucket = ? AND key = ?',
    bucket,
    key,
  )
}

/** Buckets and objects of the catalogue. Methods that replace or remove return the data files that became unused. */
export type Objects = ReturnType<typeof createObjects>

/** The greatest code point ends the range of keys with the prefix: no key contains it, and UTF-8 sorts it last. */
function endOf(prefix: string): string {
  return `${prefix}\u{10ffff}`
}
