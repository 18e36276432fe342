import { createHash } from 'node:crypto'
import type { ArchiveContent, ArchiveEntry } from '../../archive/folder-zip/stored-zip.ts'

/** SHA-256 of files, computed while they are read. */
export class Digests {
  /** Placeholder with the length of a digest in hexadecimal digits. */
  static readonly PLACEHOLDER = '0'.repeat(64)

  readonly #known = new Map<string, string>()

  /** @returns the same entry; its digest is known after its content was read to the end */
  observe(entry: ArchiveEntry): ArchiveEntry {
    const { name, sizeBytes } = entry
    const content = async () => ('bytes' in entry ? [entry.bytes] : entry.open())
    return { name, sizeBytes, open: async () => this.#read(name, await content()) }
  }

  /** @throws Error when the file was not read to its end */
  of(name: string): string {
    const digest = this.#known.get(name)
    if (digest === undefined) throw new Error(`${name} has no digest yet`)
    return digest
  }

  async *#read(name: string, content: ArchiveContent): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = createHash('sha256')
    for await (const chunk of content) {
      hash.update(chunk)
      yield chunk
    }
    this.#known.set(name, hash.digest('hex'))
  }
}
