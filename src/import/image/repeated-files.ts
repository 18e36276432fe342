import { createHash } from 'node:crypto'
import { type TarEntry, twoOfOneName } from '../../archive/tar/read-tar.ts'

/**
 * Compares files that occur repeatedly in an archive, in a separate pass. Some tools write a layer that occurs twice in
 * the image as two entries. Container engines use the last and this importer the first, so both must be identical.
 * Memory: a digest for each name.
 * @throws TarFormatError
 */
export async function requireSameBytes(
  repeated: ReadonlySet<string>,
  entries: AsyncIterable<TarEntry>,
): Promise<void> {
  const digests = new Map<string, string>()
  for await (const { name, type, body } of entries) {
    if (type !== 'file' || !repeated.has(name)) continue
    const hash = createHash('sha256')
    for await (const chunk of body) hash.update(chunk)
    const digest = hash.digest('hex')
    if ((digests.get(name) ?? digest) !== digest) throw twoOfOneName(name)
    digests.set(name, digest)
  }
}
