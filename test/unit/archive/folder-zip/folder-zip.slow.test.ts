import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  directoryRecord,
  endRecords,
  localHeader,
} from '../../../../src/archive/folder-zip/folder-zip-records.ts'
import { openFolderZip } from '../../../../src/archive/folder-zip/read-folder-zip.ts'
import { folderZipSize, writeFolderZip } from '../../../../src/archive/folder-zip/write-folder-zip.ts'
import { openZip, readZipEntry } from '../../../../src/archive/zip/read-zip.ts'
import { ZipFormatError } from '../../../../src/archive/zip/zip-format-error.ts'
import { type ByteSource, bufferSource } from '../../../../src/shared/byte-source.ts'

const LIMITS = { maxEntries: 100_000, maxNameBytes: 100, maxEntryBytes: 1000 }

interface AFile {
  readonly name: string
  readonly text: string
}

function pack(files: readonly AFile[]): Promise<Buffer> {
  const listed = files.map((file) => ({ ...file, sizeBytes: Buffer.byteLength(file.text) }))
  const open = ({ text }: AFile) => ({ crc32: crc32(text), bytes: [Buffer.from(text)] })
  return buffer(Readable.from(writeFolderZip(listed, open)))
}

/** A source that returns small chunks and records the offsets of reads. */
function chunkedSource(bytes: Buffer, chunkBytes: number): ByteSource & { readonly starts: number[] } {
  const starts: number[] = []
  return {
    starts,
    sizeBytes: bytes.length,
    async read(start, length) {
      starts.push(start)
      const chunks: Buffer[] = []
      for (let at = start; at < start + length; at += chunkBytes) {
        chunks.push(bytes.subarray(at, Math.min(at + chunkBytes, start + length)))
      }
      return Readable.from(chunks)
    },
  }
}

async function refusal(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof ZipFormatError) return error.code
      throw error
    },
  )
}

/** Reads all entries of a zip. */
async function readWhole(bytes: Buffer): Promise<Map<string, string>> {
  const zip = await openFolderZip(bufferSource(bytes), LIMITS)
  const texts = new Map<string, string>()
  for (const name of zip.names) texts.set(name, String(await zip.read(name)))
  return texts
}

const anEntry = (name: string, text = 'text') => ({
  name: Buffer.from(name),
  sizeBytes: text.length,
  crc32: crc32(text),
})

/** A zip whose directory contains the offsets that `offsetOf` returns. */
function craft(names: readonly string[], offsetOf: (number: number, right: number) => number): Buffer {
  const bodies = names.map((name) => Buffer.concat([localHeader(anEntry(name)), Buffer.from('text')]))
  let right = 0
  const records = names.map((name, number) => {
    const record = directoryRecord(anEntry(name), offsetOf(number, right))
    right += bodies[number]?.length ?? 0
    return record
  })
  const directory = Buffer.concat(records)
  const end = { count: names.length, directorySizeBytes: directory.length, directoryOffset: right }
  return Buffer.concat([...bodies, directory, endRecords(end)])
}

const FILES = [
  { name: 'a/array.yml', text: 'size: 2' },
  { name: 'a/0', text: 'first' },
  { name: 'a/1', text: '' },
]

describe('the zip of a folder', () => {
  it('returns the files that were packed, for any names, contents and chunks', async () => {
    const name = fc.stringMatching(/^[a-zäß0-9_]{1,8}(\/[a-z0-9]{1,3}){0,2}$/u)
    const files = fc.uniqueArray(fc.record({ name, text: fc.string({ unit: 'grapheme' }) }), {
      selector: (file) => file.name,
      maxLength: 12,
    })

    await fc.assert(
      fc.asyncProperty(files, fc.integer({ min: 1, max: 80 }), async (list, chunkBytes) => {
        const bytes = await pack(list)
        const zip = await openFolderZip(chunkedSource(bytes, chunkBytes), LIMITS)

        const read = []
        for (const entry of zip.names) read.push({ name: entry, text: String(await zip.read(entry)) })

        expect(read).toEqual(list)
        expect(folderZipSize(list.map((f) => ({ name: f.name, sizeBytes: Buffer.byteLength(f.text) })))).toBe(
          bytes.length,
        )
      }),
      { seed: 20261122, numRuns: 200 },
    )
  })

  it('can be read by the reader of bundles too', async () => {
    const zip = await openZip(bufferSource(await pack(FILES)), LIMITS)

    const texts = await Promise.all(
      zip.entries.map(async (entry) => String(await readZipEntry(zip, entry, 100))),
    )

    expect(zip.entries.map((entry) => entry.name)).toEqual(FILES.map((file) => file.name))
    expect(texts).toEqual(FILES.map((file) => file.text))
  })

  it('can have more than 65 535 entries', async () => {
    const files = Array.from({ length: 70_000 }, (_, i) => ({ name: `a/${i}`, text: String(i) }))
    const bytes = await pack(files)

    const own = await openFolderZip(bufferSource(bytes), LIMITS)
    const other = await openZip(bufferSource(bytes), LIMITS)

    expect(String(await own.read('a/69999'))).toBe('69999')
    expect(other.entries).toHaveLength(70_000)
  })

  it('has zip64 records for sizes and offsets beyond 32 bits', () => {
    const entry = { name: Buffer.from('a'), sizeBytes: 2 ** 33, crc32: 1 }

    expect(localHeader(entry).readBigUInt64LE(30 + 1 + 4)).toBe(2n ** 33n)
    expect(directoryRecord(entry, 2 ** 34).readBigUInt64LE(46 + 1 + 4 + 16)).toBe(2n ** 34n)
  })

  it('is read from start to end with three requests', async () => {
    const source = chunkedSource(await pack(FILES), 16)

    const zip = await openFolderZip(source, LIMITS)
    for (const { name } of FILES) await zip.read(name)

    expect(source.starts).toHaveLength(3)
  })

  it('can be read in any order', async () => {
    const zip = await openFolderZip(chunkedSource(await pack(FILES), 16), LIMITS)

    const texts = []
    for (const { name } of FILES.toReversed()) texts.push(String(await zip.read(name)))

    expect(texts).toEqual(['', 'first', 'size: 2'])
  })

  it('gives the offset and size of each content', async () => {
    const bytes = await pack(FILES)

    const place = (await openFolderZip(bufferSource(bytes), LIMITS)).place('a/0')

    expect(place && String(bytes.subarray(place.offset, place.offset + place.sizeBytes))).toBe('first')
  })

  it('fails to be written when a file has another size than announced', async () => {
    const files = [{ name: 'a', sizeBytes: 3 }]
    const zip = writeFolderZip(files, () => ({ crc32: 0, bytes: [Buffer.from('four')] }))

    await expect(buffer(Readable.from(zip))).rejects.toThrow('4 bytes instead of 3')
  })
})

describe('a zip that was tampered with', () => {
  it.each([
    ['entries that overlap', craft(['a', 'b'], () => 0)],
    ['a wrong offset of an entry', craft(['a', 'b'], (_, right) => right + 1)],
    ['bytes before the first entry', Buffer.concat([Buffer.from('x'), craft(['a'], (_, right) => right)])],
    ['bytes after the end', Buffer.concat([craft(['a'], (_, right) => right), Buffer.from('x')])],
    ['two entries with the same name', craft(['a', 'a'], (_, right) => right)],
    ['a name that leads out of the folder', craft(['../a'], (_, right) => right)],
    ['an absolute name', craft(['/a'], (_, right) => right)],
    ['a folder as an entry', craft(['a/'], (_, right) => right)],
    ['a file that is not a zip', Buffer.from('no zip at all, but long enough to be one')],
    ['nothing', Buffer.alloc(0)],
  ])('is refused for %s', async (_, bytes) => {
    expect(await refusal(readWhole(bytes))).toBeDefined()
  })

  it('is refused when it exceeds the limits', async () => {
    const open = async (limits: Partial<typeof LIMITS>) =>
      refusal(openFolderZip(bufferSource(await pack(FILES)), { ...LIMITS, ...limits }))

    expect(await open({ maxEntries: 2 })).toBe('limit-exceeded')
    expect(await open({ maxEntryBytes: 4 })).toBe('limit-exceeded')
    expect(await open({ maxNameBytes: 3 })).toBe('limit-exceeded')
  })

  it('is refused or unchanged when any byte is changed', async () => {
    const bytes = await pack(FILES)
    const right = new Map(FILES.map(({ name, text }) => [name, text]))

    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 0x01
      const found = await readWhole(changed).catch((error: unknown) => {
        if (error instanceof ZipFormatError) return right
        throw error
      })
      expect(found).toEqual(right)
    }
  })

  it('is refused when it is truncated at any length', async () => {
    const bytes = await pack(FILES)

    for (let length = 0; length < bytes.length; length += 1) {
      expect(await refusal(readWhole(bytes.subarray(0, length)))).toBeDefined()
    }
  })

  it('passes on read errors', async () => {
    const failure = new Error('no network')
    const source = { sizeBytes: 1000, read: () => Promise.reject(failure) }

    await expect(openFolderZip(source, LIMITS)).rejects.toBe(failure)
  })
})
