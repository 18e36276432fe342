import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { contentPlaces, writeFolderZip } from '../../../src/archive/folder-zip/write-folder-zip.ts'
import type { ByteRange, ObjectStore } from '../../../src/aws/object-store.ts'
import { readEntry } from '../../../src/inputs/array-inputs.ts'
import { folderEntries } from '../../../src/inputs/folder-entries.ts'
import { createMemoryObjectStore } from '../../fakes/memory-object-store.ts'

const KEY = 'folder'

/** A folder of these files in a store that records the ranges that are read. */
async function aFolder(contents: readonly Buffer[]) {
  const files = contents.map((bytes, index) => ({ name: `p/${index}`, sizeBytes: bytes.length, bytes }))
  const chunks: Uint8Array[] = []
  for await (const chunk of writeFolderZip(files, ({ bytes }) => ({ crc32: crc32(bytes), bytes: [bytes] }))) {
    chunks.push(chunk)
  }
  const store = createMemoryObjectStore()
  await store.put(KEY, Buffer.concat(chunks))
  const ranges: ByteRange[] = []
  const objects: ObjectStore = {
    ...store,
    read: (key, range) => {
      if (range !== undefined) ranges.push(range)
      return store.read(key, range)
    },
  }
  const entries = await folderEntries({ objects }, { key: KEY, sizeBytes: Buffer.concat(chunks).length })
  // Discards the recorded reads of the zip's directory.
  ranges.length = 0
  return { files, store, entries, ranges }
}

describe('the files of a folder that is a zip', () => {
  it('are read in order with few requests', async () => {
    const contents = Array.from({ length: 3000 }, (_, index) => Buffer.alloc(index % 700, index))
    const { entries, ranges } = await aFolder(contents)

    const found: Buffer[] = []
    for (const entry of entries) found.push(await readEntry(entry))

    expect(Buffer.concat(found).equals(Buffer.concat(contents))).toBe(true)
    expect(ranges.length).toBeLessThan(8)
  })

  it('are read in any order, and in parallel', async () => {
    const contents = Array.from({ length: 300 }, (_, index) => Buffer.alloc(1000, index))
    const { entries } = await aFolder(contents)

    const found = await Promise.all(entries.toReversed().map(readEntry))

    expect(found.toReversed()).toEqual(contents)
  })

  it('are each read by a request of their own when they are large', async () => {
    const contents = [Buffer.from('a'), Buffer.alloc(2_000_000, 'b'), Buffer.alloc(0)]
    const { entries, ranges } = await aFolder(contents)

    const found = await Promise.all(entries.map(readEntry))

    expect(found).toEqual(contents)
    expect(ranges.map(({ length }) => length)).toContain(2_000_000)
  })

  it('have the offsets that contentPlaces returns', async () => {
    const { files, store } = await aFolder([Buffer.from('first'), Buffer.alloc(0), Buffer.from('third')])

    for (const [name, { offset, sizeBytes }] of contentPlaces(files)) {
      const body = await store.read(KEY, { start: offset, length: sizeBytes })
      const expected = files.find((file) => file.name === name)?.bytes
      expect(Buffer.concat((await body?.toArray()) ?? [])).toEqual(expected)
    }
  })
})
