import { buffer } from 'node:stream/consumers'
import { describe, expect, it, vi } from 'vitest'
import {
  dataDescriptor,
  directoryRecord,
  localHeader,
} from '../../../../src/archive/folder-zip/folder-zip-records.ts'
import { openFolderZip } from '../../../../src/archive/folder-zip/read-folder-zip.ts'
import { type ArchiveEntry, storedZip } from '../../../../src/archive/folder-zip/stored-zip.ts'
import { openZip } from '../../../../src/archive/zip/read-zip.ts'
import { bufferSource } from '../../../../src/shared/byte-source.ts'
import { readAll } from '../../../../src/shared/read-all.ts'

const MIB = 1024 * 1024

function large(name: string, sizeBytes = 3 * MIB): ArchiveEntry {
  const bytes = Buffer.alloc(sizeBytes, name)
  return { name, sizeBytes, open: async () => [bytes.subarray(0, MIB), bytes.subarray(MIB)] }
}

function small(name: string): ArchiveEntry {
  return { name, sizeBytes: Buffer.byteLength(name), bytes: Buffer.from(name) }
}

describe('an archive of uncompressed entries', () => {
  it('contains small and large entries in order', async () => {
    const bytes = await buffer(
      storedZip([small('p/é'), large('p/one'), small('p/2'), large('p/two'), small('q')]),
    )
    const zip = await openZip(bufferSource(bytes))

    expect(zip.entries.map(({ name }) => name)).toEqual(['p/é', 'p/one', 'p/2', 'p/two', 'q'])
    for (const entry of zip.entries) {
      const content = await readAll(zip.read(entry))
      const isLarge = entry.sizeBytes > MIB
      expect(content.equals(isLarge ? Buffer.alloc(3 * MIB, entry.name) : Buffer.from(entry.name))).toBe(true)
    }
  })

  it('has the format of folder zips when no entry is large', async () => {
    const bytes = await buffer(storedZip([small('p/0'), small('p/1')]))
    const limits = { maxEntries: 10, maxNameBytes: 100, maxEntryBytes: MIB }

    expect([...(await openFolderZip(bufferSource(bytes), limits)).names]).toEqual(['p/0', 'p/1'])
  })

  it('has folders that their owner can enter, and regular files', () => {
    const modeOf = (name: string) =>
      directoryRecord({ name: Buffer.from(name), sizeBytes: 0, crc32: 0 }, 0)
        .readUInt16LE(40)
        .toString(8)

    expect([modeOf('p/'), modeOf('p/0')]).toEqual(['40755', '100644'])
  })

  it('fails when a large entry has another size than announced', async () => {
    const short = { ...large('p'), sizeBytes: 3 * MIB + 1 }

    await expect(buffer(storedZip([short]))).rejects.toThrow('p has 3145728 bytes instead of 3145729')
  })

  it('closes the open entry when its reader stops', async () => {
    const closed = vi.fn()
    async function* endless(): AsyncGenerator<Buffer, void, undefined> {
      try {
        for (;;) yield Buffer.alloc(MIB)
      } finally {
        closed()
      }
    }
    const zip = storedZip([{ name: 'p', sizeBytes: 2 ** 40, open: async () => endless() }])
    for await (const _ of zip) break

    await vi.waitFor(() => expect(closed).toHaveBeenCalledOnce())
  })

  it('writes sizes of 4 GiB or more with 64 bits, in data descriptor and directory', () => {
    const entry = { name: Buffer.from('p'), sizeBytes: 2 ** 32 + 5, crc32: 0x01020304, isStreamed: true }
    const descriptor = dataDescriptor(entry)
    const record = directoryRecord(entry, 0)

    expect(localHeader(entry).readUInt32LE(22)).toBe(0)
    expect(descriptor.readUInt32LE(4)).toBe(0x01020304)
    expect([descriptor.readBigUInt64LE(8), descriptor.readBigUInt64LE(16)]).toEqual([
      4294967301n,
      4294967301n,
    ])
    expect(record.readUInt32LE(24)).toBe(0xffffffff)
    expect(record.readBigUInt64LE(46 + 1 + 4)).toBe(4294967301n)
  })

  it('takes linear time in the number of entries', async () => {
    const looks = async (count: number): Promise<number> => {
      let seen = 0
      const entries = Array.from({ length: count }, (_, index): ArchiveEntry => {
        const entry = small(`p/${index}`)
        return new Proxy(entry, {
          get(target, key, receiver) {
            seen += 1
            return Reflect.get(target, key, receiver)
          },
        })
      })
      await buffer(storedZip([large('z'), ...entries]))
      return seen
    }

    expect(await looks(4000)).toBe(4 * (await looks(1000)))
  })
})
