import { createHash } from 'node:crypto'
import { type TarEntry, twoOfOneName } from '../../archive/tar/read-tar.ts'

/**
 * Compares files that come more than once in an archive, in a pass of its own over it. Some tools write a layer that an image has twice
 * as two entries; engines take the last of them, we take the first, so they have to be the same. Memory: a digest for each name.
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
