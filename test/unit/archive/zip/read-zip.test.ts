import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openZip, readZipEntry } from '../../../../src/archive/zip/read-zip.ts'
import { ZipFormatError } from '../../../../src/archive/zip/zip-format-error.ts'
import type { ByteSource } from '../../../../src/shared/byte-source.ts'
import { type FileEntry, packZip } from '../../../fixtures/bundle-builder.ts'

const MANY = { maxEntries: 10_000, maxNameBytes: 1024, maxEntryBytes: 1024 ** 3 }

function sourceOf(bytes: Buffer): ByteSource & { readonly reads: number[] } {
  const reads: number[] = []
  return {
    reads,
    sizeBytes: bytes.length,
    read: async (start, length) => {
      reads.push(length)
      return Readable.from([bytes.subarray(start, start + length)])
    },
  }
}

async function contents(bytes: Buffer): Promise<Record<string, string>> {
  const zip = await openZip(sourceOf(bytes))
  const texts: Record<string, string> = {}
  for (const entry of zip.entries) texts[entry.name] = String(await readZipEntry(zip, entry, 1024 ** 2))
  return texts
}

/** Changes the entry's record in the directory, and not its local header. */
function withRecord(bytes: Buffer, name: string, change: (record: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes)
  const at = copy.lastIndexOf(name) - 46
  change(copy.subarray(at))
  return copy
}

describe('zip archives', () => {
  const files: FileEntry[] = [
    { name: 'descriptor.yml', body: 'name: x' },
    { name: 'docs/', body: '' },
    { name: 'docs/naïve.txt', body: 'some text '.repeat(1000) },
    { name: 'empty', body: '' },
  ]

  it.each([
    ['deflated', {}],
    ['stored', { compress: false }],
    ['zip64', { forceZip64Format: true }],
  ])('contain the files of a %s archive, without folder entries', async (_, options) => {
    const bytes = await packZip(files, options)

    const read = await contents(bytes)

    expect(read).toEqual({
      'descriptor.yml': 'name: x',
      'docs/naïve.txt': 'some text '.repeat(1000),
      empty: '',
    })
  })

  it('are opened with three requests when they are small', async () => {
    const source = sourceOf(await packZip(files))

    await openZip(source)

    expect(source.reads.length).toBeLessThanOrEqual(3)
  })

  it('return the files that were packed', async () => {
    const entries = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,8}$/u), fc.string()), {
      selector: ([name]) => name,
    })
    await fc.assert(
      fc.asyncProperty(entries, async (pairs) => {
        const read = await contents(await packZip(pairs.map(([name, body]) => ({ name, body }))))
        expect(read).toEqual(Object.fromEntries(pairs))
      }),
      { numRuns: 30 },
    )
  })
})

describe('hostile or damaged zip archives', () => {
  async function refusal(bytes: Buffer, limits = MANY): Promise<string | undefined> {
    try {
      const zip = await openZip(sourceOf(bytes), limits)
      for (const entry of zip.entries) await buffer(Readable.from(zip.read(entry)))
      return undefined
    } catch (error) {
      if (error instanceof ZipFormatError) return error.code
      throw error
    }
  }

  it.each([
    ['an empty file', Buffer.alloc(0), 'not-a-zip'],
    ['other bytes', Buffer.from('7z\xbc\xaf\x27\x1c and so on'), 'not-a-zip'],
    ['only the signature', Buffer.from('PK\x03\x04'), 'corrupt'],
  ])('are refused: %s', async (_, bytes, code) => {
    expect(await refusal(bytes)).toBe(code)
  })

  it('are refused when truncated', async () => {
    const bytes = await packZip([{ name: 'a', body: 'text' }])

    const code = await refusal(bytes.subarray(0, bytes.length - 30))

    expect(code).toBe('corrupt')
  })

  it.each(['../up.txt', 'a/../../up.txt', '/absolute', 'C:/drive', 'a\\..\\..\\up.txt'])(
    'are refused with the name %s',
    async (name) => {
      const placeholder = 'x'.repeat(name.length)
      const bytes = await packZip([{ name: placeholder, body: 'text' }])
      const renamed = Buffer.from(bytes.toString('latin1').replaceAll(placeholder, name), 'latin1')

      expect(await refusal(renamed)).toBe('unsafe-name')
    },
  )

  it('are refused with two entries of the same name', async () => {
    const bytes = await packZip([{ name: 'a' }, { name: 'a' }])

    expect(await refusal(bytes)).toBe('duplicate-name')
  })

  it('are refused with encrypted entries', async () => {
    const bytes = await packZip([{ name: 'secret', body: 'text' }])
    const encrypted = withRecord(bytes, 'secret', (record) => record.writeUInt16LE(1, 8))

    expect(await refusal(encrypted)).toBe('encrypted')
  })

  it('are refused with a compression method other than deflate', async () => {
    const bytes = await packZip([{ name: 'modern', body: 'text' }])
    const modern = withRecord(bytes, 'modern', (record) => record.writeUInt16LE(93, 10))

    expect(await refusal(modern)).toBe('unsupported-method')
  })

  it('are refused when the content does not match its checksum', async () => {
    const bytes = await packZip([{ name: 'damaged', body: 'text' }])
    const damaged = withRecord(bytes, 'damaged', (record) => record.writeUInt32LE(1, 16))

    expect(await refusal(damaged)).toBe('corrupt')
  })

  it('are refused when the content inflates to more than announced', async () => {
    const bytes = await packZip([{ name: 'bomb', body: '0'.repeat(5_000_000) }])
    const lying = withRecord(bytes, 'bomb', (record) => record.writeUInt32LE(10, 24))

    expect(await refusal(lying)).toBe('corrupt')
  })

  it('are refused with too many entries', async () => {
    const bytes = await packZip([{ name: 'a' }, { name: 'b' }, { name: 'c' }])

    expect(await refusal(bytes, { ...MANY, maxEntries: 2 })).toBe('limit-exceeded')
  })

  it('are refused with an entry above the size limit', async () => {
    const bytes = await packZip([{ name: 'a', body: 'text' }])

    expect(await refusal(bytes, { ...MANY, maxEntryBytes: 3 })).toBe('limit-exceeded')
  })

  it('pass on errors of the source', async () => {
    const failure = new Error('no network')
    const bytes = Buffer.alloc(1024 * 1024)
    bytes.write('PK\u0003\u0004', 'latin1')
    const source: ByteSource = {
      sizeBytes: bytes.length,
      read: async (start, length) => {
        if (start > 0) throw failure
        return Readable.from([bytes.subarray(start, start + length)])
      },
    }

    await expect(openZip(source)).rejects.toBe(failure)
  })
})
