import { createHash, type Hash, randomUUID } from 'node:crypto'
import type { Catalogue, Content, Segment } from './catalogue.ts'
import type { DataFiles } from './data-files.ts'

/** Upload of one blob, from its POST to its last PUT. */
export interface BlobSession {
  readonly id: string
  readonly repository: string
  readonly sizeBytes: number
}

/** Bytes that the upload has received. */
interface Arrived {
  session: BlobSession
  readonly segments: Segment[]
  readonly hash: Hash
}

/** Opens the blobs of a catalogue. */
export function createBlobs(catalogue: Catalogue, files: DataFiles, nowMs: () => number) {
  const add = (repository: string, digest: string, content: Content): void => {
    // Another upload of the same digest may have been faster; its bytes are equal.
    const before = contentOf(catalogue, repository, digest)
    const id = catalogue.addContent(content)
    catalogue.run('INSERT OR REPLACE INTO blob VALUES (?, ?, ?, ?)', repository, digest, id, nowMs())
    const unused = before === undefined ? [] : catalogue.dropContents([before])
    void files.remove(unused)
  }
  return {
    ...createStoredBlobs(catalogue, files, add),
    ...createSessions(files, (repository, digest, content) =>
      catalogue.transaction(() => add(repository, digest, content)),
    ),
  }
}

/** Adds a blob to a repository. */
type AddBlob = (repository: string, digest: string, content: Content) => void

function createStoredBlobs(catalogue: Catalogue, files: DataFiles, add: AddBlob) {
  const { all, run, transaction } = catalogue
  return {
    find(repository: string, digest: string): Content | undefined {
      const id = contentOf(catalogue, repository, digest)
      return id === undefined ? undefined : catalogue.findContent(id)
    },

    /**
     * Mounts a blob of any repository (or only of `from`) into `repository`.
     * @returns whether there was such a blob
     */
    mount: (repository: string, digest: string, from: string | undefined): boolean =>
      transaction(() => {
        const id = contentOf(catalogue, from, digest)
        if (id === undefined) return false
        add(repository, digest, catalogue.findContent(id))
        return true
      }),

    async remove(repository: string, digest: string): Promise<void> {
      const unused = transaction(() => {
        const id = contentOf(catalogue, repository, digest)
        run('DELETE FROM blob WHERE repository = ? AND digest = ?', repository, digest)
        return id === undefined ? [] : catalogue.dropContents([id])
      })
      await files.remove(unused)
    },

    /** Digests of blobs that were stored before, by repository. */
    storedBefore(createdMs: number): ReadonlyMap<string, readonly string[]> {
      const rows = all<{ repository: string; digest: string }>(
        'SELECT repository, digest FROM blob WHERE created < ?',
        createdMs,
      )
      const grouped = Map.groupBy(rows, ({ repository }) => repository)
      return new Map(
        [...grouped].map(([repository, group]) => [repository, group.map(({ digest }) => digest)]),
      )
    },
  }
}

/** Uploads in progress. */
function createSessions(files: DataFiles, add: AddBlob) {
  const sessions = new Map<string, Arrived>()

  const arrivedOf = ({ id }: BlobSession): Arrived => {
    const arrived = sessions.get(id)
    if (arrived === undefined) throw new Error(`no upload ${id}`)
    return arrived
  }
  const forget = async (session: BlobSession): Promise<void> => {
    const { segments } = arrivedOf(session)
    sessions.delete(session.id)
    await files.remove(segments.map(({ file }) => file))
  }

  return {
    start(repository: string): BlobSession {
      const session = { id: randomUUID(), repository, sizeBytes: 0 }
      sessions.set(session.id, { session, segments: [], hash: createHash('sha256') })
      return session
    },

    session(repository: string, id: string): BlobSession | undefined {
      const session = sessions.get(id)?.session
      return session?.repository === repository ? session : undefined
    },

    async append(session: BlobSession, bytes: AsyncIterable<Uint8Array>): Promise<BlobSession> {
      const arrived = arrivedOf(session)
      const written = await files.write(bytes, (chunk) => arrived.hash.update(chunk))
      // The last PUT of an upload usually brings no bytes.
      if (written.sizeBytes === 0) await files.remove(written.segments.map(({ file }) => file))
      else arrived.segments.push(...written.segments)
      arrived.session = { ...session, sizeBytes: session.sizeBytes + written.sizeBytes }
      return arrived.session
    },

    /** @returns the digest of the bytes; the blob is stored only if it equals `digest` */
    async finish(session: BlobSession, digest: string): Promise<string> {
      const { segments, hash } = arrivedOf(session)
      const computed = `sha256:${hash.digest('hex')}`
      if (computed !== digest) {
        await forget(session)
        return computed
      }
      sessions.delete(session.id)
      const content = { sizeBytes: session.sizeBytes, etag: `"${digest}"`, segments }
      add(session.repository, digest, content)
      return computed
    },

    cancel: forget,
  }
}

function contentOf({ get }: Catalogue, repository: string | undefined, digest: string): number | undefined {
  return repository === undefined
    ? get<{ content: number }>('SELECT content FROM blob WHERE digest = ? LIMIT 1', digest)?.content
    : get<{ content: number }>(
        'SELECT content FROM blob WHERE repository = ? AND digest = ?',
        repository,
        digest,
      )?.content
}

/** Layers and configs of images, by repository and digest. Unfinished uploads are in memory only, so a restart drops them. */
export type Blobs = ReturnType<typeof createBlobs>
