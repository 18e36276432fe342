import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'

/** Contiguous bytes in a data file. */
export interface Segment {
  readonly file: string
  readonly start: number
  readonly length: number
}

/** Stored bytes: their segments in order. */
export interface Content {
  readonly sizeBytes: number
  /** S3's entity tag, with its quotes. */
  readonly etag: string
  readonly segments: readonly Segment[]
}

/** An object of a bucket. */
export interface StoredObject extends Content {
  readonly key: string
  readonly modifiedMs: number
  /** Headers that are stored with the object and returned on reads, names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** Page of a listing: entries after `after`, at most `limit`. */
export interface Page<Position> {
  readonly after: Position
  readonly limit: number
}

/** Rows are keyed by text in binary order, which is the order in which S3 lists keys (UTF-8). */
const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA foreign_keys = ON;
  CREATE TABLE IF NOT EXISTS bucket (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS content (id INTEGER PRIMARY KEY, size INTEGER NOT NULL, etag TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS segment (
    content INTEGER NOT NULL REFERENCES content (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    file TEXT NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
    PRIMARY KEY (content, position)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS segment_file ON segment (file);
  CREATE TABLE IF NOT EXISTS object (
    bucket TEXT NOT NULL REFERENCES bucket (name), key TEXT NOT NULL, content INTEGER NOT NULL REFERENCES content (id),
    modified INTEGER NOT NULL, headers TEXT NOT NULL, PRIMARY KEY (bucket, key)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS upload (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL REFERENCES bucket (name), key TEXT NOT NULL,
    headers TEXT NOT NULL, initiated INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS part (
    upload TEXT NOT NULL REFERENCES upload (id), number INTEGER NOT NULL, content INTEGER NOT NULL REFERENCES content (id),
    modified INTEGER NOT NULL, PRIMARY KEY (upload, number)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS blob (
    repository TEXT NOT NULL, digest TEXT NOT NULL, content INTEGER NOT NULL REFERENCES content (id),
    created INTEGER NOT NULL, PRIMARY KEY (repository, digest)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS blob_digest ON blob (digest);
  CREATE TABLE IF NOT EXISTS event (id TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;
`

/** Opens or creates the database file. Only one process may have it open. */
export function openCatalogue(path: string) {
  const database = new DatabaseSync(path)
  database.exec(SCHEMA)
  const statements = createStatements(database)
  return {
    ...statements,
    ...createContents(statements),
    close: (): void => database.close(),
  }
}

/** Statements of a database, prepared once. */
function createStatements(database: DatabaseSync) {
  const prepared = new Map<string, StatementSync>()
  const statement = (sql: string): StatementSync => {
    const known = prepared.get(sql) ?? database.prepare(sql)
    prepared.set(sql, known)
    return known
  }
  return {
    run: (sql: string, ...values: SQLInputValue[]): number => Number(statement(sql).run(...values).changes),
    get: <Row>(sql: string, ...values: SQLInputValue[]): Row | undefined =>
      statement(sql).get(...values) as Row | undefined,
    all: <Row>(sql: string, ...values: SQLInputValue[]): Row[] => statement(sql).all(...values) as Row[],

    /** Runs `work` in a transaction, or within the open one: all of its writes are committed, or none. */
    transaction<Result>(work: () => Result): Result {
      if (database.isTransaction) return work()
      database.exec('BEGIN IMMEDIATE')
      try {
        const result = work()
        database.exec('COMMIT')
        return result
      } catch (error) {
        database.exec('ROLLBACK')
        throw error
      }
    },
  }
}

/** Contents and the data files that they are in. */
function createContents({ run, get, all }: ReturnType<typeof createStatements>) {
  const isFileUsed = (file: string): boolean =>
    get('SELECT 1 FROM segment WHERE file = ? LIMIT 1', file) !== undefined

  return {
    isFileUsed,

    /**
     * Adds content with its segments.
     * @returns its id
     */
    addContent({ sizeBytes, etag, segments }: Content): number {
      const { id } = get<{ id: number }>(
        'INSERT INTO content (size, etag) VALUES (?, ?) RETURNING id',
        sizeBytes,
        etag,
      ) ?? { id: 0 }
      for (const [position, { file, start, length }] of segments.entries()) {
        run('INSERT INTO segment VALUES (?, ?, ?, ?, ?)', id, position, file, start, length)
      }
      return id
    },

    /** @throws Error when the content does not exist */
    findContent(id: number): Content {
      const row = get<{ size: number; etag: string }>('SELECT size, etag FROM content WHERE id = ?', id)
      if (row === undefined) throw new Error(`no content ${id}`)
      const segments = all<Segment>(
        'SELECT file, start, length FROM segment WHERE content = ? ORDER BY position',
        id,
      )
      return { sizeBytes: row.size, etag: row.etag, segments }
    },

    /**
     * Removes contents.
     * @returns the data files without references, which the caller must remove
     */
    dropContents(ids: readonly number[]): string[] {
      const files = new Set<string>()
      for (const id of ids) {
        for (const { file } of all<Segment>('SELECT DISTINCT file FROM segment WHERE content = ?', id)) {
          files.add(file)
        }
        run('DELETE FROM content WHERE id = ?', id)
      }
      return [...files].filter((file) => !isFileUsed(file))
    },
  }
}

/** One database of the storage server, with its statements prepared once. */
export type Catalogue = ReturnType<typeof openCatalogue>
