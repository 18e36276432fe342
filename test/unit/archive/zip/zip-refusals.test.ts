import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { openZip, readZipEntry } from '../../../../src/archive/zip/read-zip.ts'
import { ZipFormatError } from '../../../../src/archive/zip/zip-format-error.ts'
import { bufferSource } from '../../../../src/shared/byte-source.ts'
import { ADVICE } from '../../../fixtures/advice.ts'
import { dataDescriptor, type RawEntry, rawZip } from '../../../fixtures/raw-zip.ts'

/** Message of the refusal; empty when the archive is accepted. */
async function words(bytes: Buffer): Promise<string> {
  try {
    const zip = await openZip(bufferSource(bytes))
    for (const entry of zip.entries) {
      const stored = await zip.stored(entry)
      await stored?.verify()
      await buffer(Readable.from(zip.read(entry)))
    }
    return ''
  } catch (error) {
    if (error instanceof ZipFormatError) return `${error.code}: ${error.message}`
    throw error
  }
}

const text = Buffer.from('some text '.repeat(50))
const file: RawEntry = { name: 'image.tar', body: text, method: 8 }
const other: RawEntry = { name: 'descriptor.yml', body: 'name: x' }
const good = rawZip([other, file])
const started = (hex: string): Buffer => Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(600)])

function aTar(): Buffer {
  const header = Buffer.alloc(1024)
  header.write('ustar', 257)
  return header
}

/** The end record of another archive. */
const foreignEnd = good.subarray(-22)

/** Two entries with the same compressed bytes. */
const overlapping = rawZip([file, { ...file, name: 'other.tar', offset: 0 }])

const cases: [what: string, bytes: Buffer, expected: RegExp][] = [
  ['an empty file', Buffer.alloc(0), /^not-a-zip: the file is empty/u],
  ['other bytes', Buffer.from('nothing special'), /not a zip archive; expected a zip/u],
  ['a 7z archive', started('377abcaf271c0004'), /not-a-zip: .* 7z archive/u],
  ['a RAR archive', started('526172211a070100'), /RAR/u],
  ['a gzipped tar', started('1f8b0800'), /gzip/u],
  ['a zstd file', started('28b52ffd'), /zstd/u],
  ['an xz file', started('fd377a585a0000'), /xz/u],
  ['a bzip2 file', started('425a6839'), /bzip2/u],
  ['a bare tar', aTar(), /a tar archive/u],
  ['a web page', Buffer.from('<!doctype html>'), /web page/u],
  ['the first part of a split archive', started('504b0708504b0304'), /first part of a split .*zip -s 0/u],
  [
    'the last part of a split archive',
    rawZip([file], { end: (record) => record.writeUInt16LE(2, 4) }),
    /part 3 of a split zip/u,
  ],
  ['an archive without its end', good.subarray(0, good.length - 30), /^corrupt: .*cut short: its end/u],
  ['an archive with a truncated end', good.subarray(0, good.length - 5), /cut short: its end/u],
  ['only the start', good.subarray(0, 40), /cut short: its end/u],
  ['bytes after the end', Buffer.concat([good, Buffer.from('more')]), /4 bytes follow its end/u],
  [
    'a second end record after the end',
    Buffer.concat([good, Buffer.from('more'), foreignEnd]),
    /bytes are outside of what its end describes/u,
  ],
  [
    'two archives one after the other',
    Buffer.concat([rawZip([file]), rawZip([other])]),
    /bytes are outside .*two archives/u,
  ],
  [
    'an archive after another, with corrected offsets',
    rawZip([other], { before: rawZip([file]) }),
    /bytes before its first entry belong to no entry/u,
  ],
  [
    'an end record in the comment of another',
    rawZip([file], { comment: foreignEnd }),
    /comment at its end contains the end of another/u,
  ],
  [
    'the start of an end record in a comment',
    rawZip([file], { comment: Buffer.from('PK\u0005\u0006, said he', 'latin1') }),
    /comment at its end contains/u,
  ],
  [
    'bytes between entries and directory',
    rawZip([other, file], { betweenEntriesAndDirectory: Buffer.alloc(40) }),
    /"image.tar" is followed by 40 bytes/u,
  ],
  [
    'bytes between directory and end',
    rawZip([file], { betweenDirectoryAndEnd: Buffer.alloc(7) }),
    /7 bytes are outside/u,
  ],
  [
    'fewer announced entries than there are',
    rawZip([other, file], {
      end: (record) => {
        record.writeUInt16LE(1, 8)
        record.writeUInt16LE(1, 10)
      },
    }),
    /bytes follow the announced number of entries, 1/u,
  ],
  [
    'a last entry that ends behind the directory',
    rawZip([{ ...file, record: (record) => record.writeUInt16LE(7, 32) }]),
    /its last entry is longer than its directory/u,
  ],
  [
    'more announced entries than the directory has room for',
    rawZip([file], {
      end: (record) => {
        record.writeUInt16LE(9, 8)
        record.writeUInt16LE(9, 10)
      },
    }),
    /announces 9 entries, too many/u,
  ],
  [
    'more entries than allowed',
    rawZip(Array.from({ length: 10_001 }, (_, index) => ({ name: `f${index}` }))),
    /^limit-exceeded: .*10001 entries; at most 10000/u,
  ],
  ['entries that share bytes', overlapping, /share bytes/u],
  [
    'an entry that reaches into the directory',
    rawZip([{ ...file, record: (record) => record.writeUInt32LE(10_000, 20) }]),
    /"image.tar" and its directory share bytes/u,
  ],
  [
    'an archive whose content is excessively larger',
    rawZip([{ ...file, record: (record) => record.writeUInt32LE(4_000_000_000, 24) }, other]),
    /^limit-exceeded: .* would inflate to 4000000007; at most 200 times/u,
  ],
  [
    'an entry over the absolute limit',
    rawZip([
      {
        ...file,
        directoryExtra: zip64Extra(300n * 1024n ** 3n),
        record: (record) => record.writeUInt32LE(0xffffffff, 24),
      },
    ]),
    /^limit-exceeded: .*"image.tar" of 322122547200 bytes/u,
  ],
  ['an encrypted entry', rawZip([{ ...file, flags: 1 }]), /^encrypted: .*"image.tar".* without a password/u],
  ['a strongly encrypted entry', rawZip([{ ...file, flags: 0x41 }]), /^encrypted: .* without a password/u],
  [
    'an entry that only its local header marks as encrypted',
    rawZip([{ ...file, local: (header) => header.writeUInt16LE(0x0801, 6) }]),
    /^encrypted: /u,
  ],
  [
    'two entries with the same name',
    rawZip([file, file]),
    /^duplicate-name: .*two entries named "image.tar"/u,
  ],
  ['two spellings of the same name', rawZip([file, { ...file, name: './image.tar' }]), /^duplicate-name: /u],
  ['a name that leads upwards', rawZip([{ name: '../up' }]), /^unsafe-name: .*leads out of its folder/u],
  ['a name that leads upwards after a folder', rawZip([{ name: 'a/../../up' }]), /leads out of its folder/u],
  ['a folder that leads upwards', rawZip([{ name: 'a/../../' }]), /leads out of its folder/u],
  [
    'a name that leads upwards by backslashes',
    rawZip([{ name: 'a\\..\\..\\up' }]),
    /leads out of its folder/u,
  ],
  ['an absolute name', rawZip([{ name: '/etc/passwd' }]), /starts with a slash/u],
  ['an absolute name by backslashes', rawZip([{ name: '\\\\server\\share' }]), /starts with a slash/u],
  ['a name on a drive', rawZip([{ name: 'C:/up' }]), /drive letter/u],
  ['a name with NUL', rawZip([{ name: 'image.tar\0.txt' }]), /NUL/u],
  ['no name', rawZip([{ name: '' }]), /is empty/u],
  ['a name of 1025 bytes', rawZip([{ name: 'x'.repeat(1025) }]), /^limit-exceeded: .*1025 bytes/u],
  [
    'another name in the local header',
    rawZip([{ ...file, local: (header) => header.write('other.tar', 30) }]),
    /"image.tar" has a header that differs/u,
  ],
  [
    'another method in the local header',
    rawZip([{ ...file, local: (header) => header.writeUInt16LE(0, 8) }]),
    /header that differs/u,
  ],
  [
    'another size in the local header',
    rawZip([{ ...file, local: (header) => header.writeUInt32LE(4, 22) }]),
    /header that differs/u,
  ],
  [
    'another checksum in the local header',
    rawZip([{ ...file, local: (header) => header.writeUInt32LE(4, 14) }]),
    /header that differs/u,
  ],
  [
    'a header that is longer than its space',
    rawZip([{ ...file, local: (header) => header.writeUInt16LE(500, 28) }]),
    /"image.tar" is longer than its space/u,
  ],
  [
    'no local header at the offset in the directory',
    rawZip([other, { ...file, local: (header) => header.write('KP', 0) }]),
    /"image.tar" is not at the offset/u,
  ],
  [
    'content with another checksum',
    rawZip([{ ...file, ...sameInBoth((fields, at) => fields.writeUInt32LE(7, at.crc)) }]),
    /"image.tar" has the checksum \(CRC-32\) [0-9a-f]{8}, while the archive says 00000007/u,
  ],
  [
    'stored content with another checksum',
    rawZip([{ ...file, method: 0, ...sameInBoth((fields, at) => fields.writeUInt32LE(7, at.crc)) }]),
    /checksum/u,
  ],
  [
    'content that is longer than announced',
    rawZip([{ ...file, ...sameInBoth((fields, at) => fields.writeUInt32LE(10, at.size)) }]),
    /has more than the 10 bytes/u,
  ],
  [
    'content that is shorter than announced',
    rawZip([{ ...file, ...sameInBoth((fields, at) => fields.writeUInt32LE(1000, at.size)) }]),
    /has 500 of the 1000 bytes/u,
  ],
  [
    'stored content of two sizes',
    rawZip([{ ...file, method: 0, ...sameInBoth((fields, at) => fields.writeUInt32LE(10, at.size)) }]),
    /^corrupt: .*size mismatch/u,
  ],
  [
    'truncated deflated content',
    rawZip([{ ...file, packed: deflateRawSync(text).subarray(0, -4) }]),
    /"image.tar" cannot be inflated/u,
  ],
  [
    'deflated content that is invalid',
    rawZip([{ ...file, packed: Buffer.from('ffffffff', 'hex') }]),
    /cannot be inflated/u,
  ],
  [
    'bytes after deflated content',
    rawZip([{ ...file, packed: Buffer.concat([deflateRawSync(text), Buffer.from('hidden')]) }]),
    /has 6 bytes after the end of its content/u,
  ],
  [
    'deflate64 that is invalid',
    rawZip([{ ...file, method: 9, packed: Buffer.alloc(9, 255) }]),
    /"image.tar" cannot be decompressed/u,
  ],
  [
    'bzip2 that is invalid',
    rawZip([{ ...file, method: 12 }]),
    /cannot be decompressed: it does not start with the bzip2 signature/u,
  ],
  ['LZMA', rawZip([{ ...file, method: 14 }]), /^unsupported-method: .*LZMA; zip it with deflate/u],
  ['zstd', rawZip([{ ...file, method: 93 }]), /zstd/u],
  ['an unknown method', rawZip([{ ...file, method: 77 }]), /method 77/u],
  [
    'a symbolic link',
    rawZip([{ ...file, record: (record) => record.writeUInt32LE(0o120777 * 0x10000, 38) }]),
    /^link: .*symbolic link/u,
  ],
  [
    'a zip64 record that differs from the end',
    rawZip([file], { zip64: (record) => record.writeBigUInt64LE(9n, 40) }),
    /zip64 record is wrong: it differs/u,
  ],
  [
    'a zip64 record at an offset beyond the file',
    rawZip([file], { zip64: (_, locator) => locator.writeBigUInt64LE(2n ** 60n, 8) }),
    /zip64 record is wrong: its locator/u,
  ],
  [
    'a zip64 record elsewhere in the file',
    rawZip([file], { zip64: (_, locator) => locator.writeBigUInt64LE(0n, 8) }),
    /zip64 record is wrong: it does not end at/u,
  ],
  [
    'a zip64 record of one part of a split archive',
    rawZip([file], { zip64: (_, locator) => locator.writeUInt32LE(3, 16) }),
    /split zip/u,
  ],
  [
    'zip64 sizes that no record contains',
    rawZip([{ ...file, record: (record) => record.writeUInt32LE(0xffffffff, 24) }]),
    /^(?:limit-exceeded|corrupt): /u,
  ],
  [
    'zip64 sizes that are too large for a number',
    rawZip([
      {
        ...file,
        directoryExtra: zip64Extra(2n ** 64n - 1n),
        record: (record) => record.writeUInt32LE(0xffffffff, 24),
      },
    ]),
    /^limit-exceeded: /u,
  ],
  [
    'an extra field that is longer than its record',
    rawZip([{ ...file, directoryExtra: Buffer.from('0100ff00', 'hex') }]),
    /^corrupt: .*extra field/u,
  ],
  [
    'a wrong offset of the directory, as Finder writes above 4 GiB',
    rawZip([{ name: 'image.tar', body: text }], {
      end: (record) => record.writeUInt32LE(0xffffff00, 16),
    }),
    /^corrupt: /u,
  ],
]

/** Applies a change to local header and directory record. */
function sameInBoth(change: (fields: Buffer, at: { crc: number; size: number }) => void) {
  return {
    local: (header: Buffer) => change(header, { crc: 14, size: 22 }),
    record: (record: Buffer) => change(record, { crc: 16, size: 24 }),
  }
}

function zip64Extra(...numbers: readonly bigint[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * numbers.length)
  extra.writeUInt16LE(1, 0)
  extra.writeUInt16LE(8 * numbers.length, 2)
  for (const [index, value] of numbers.entries()) extra.writeBigUInt64LE(value, 4 + 8 * index)
  return extra
}

describe('a zip archive is refused with an explanation', () => {
  it.each(cases)('for %s', async (_, bytes, expected) => {
    const message = await words(bytes)

    expect(message).toMatch(expected)
    expect(message).toMatch(ADVICE)
  })

  it('for a small file that is too large', async () => {
    const zip = await openZip(bufferSource(rawZip([{ name: 'a\nb', body: text }])))
    const read = zip.entries.map((entry) => readZipEntry(zip, entry, 10))

    await expect(read[0]).rejects.toThrow(/"a\\u\{a\}b" has 500 bytes; at most 10 are allowed/u)
    await expect(read[0]).rejects.toThrow(ADVICE)
  })

  it('that contains no control characters of a name', async () => {
    const message = await words(rawZip([{ name: '../\u001b[31mred\r\nheader: x' }]))

    expect(message).toMatch(/^unsafe-name: [\u0020-\u007e]*$/u)
  })
})

describe('a zip archive is accepted', () => {
  const packed = deflateRawSync(text)
  const streamed = (form: { readonly signature: boolean; readonly zip64: boolean }): Buffer =>
    rawZip([{ ...file, descriptor: dataDescriptor(text, packed, form) }, other])

  it.each([
    ['with files deflated and stored', good],
    ['without entries', rawZip([])],
    ['with sizes after the data', streamed({ signature: true, zip64: false })],
    ['with sizes after the data, without signature', streamed({ signature: false, zip64: false })],
    ['with zip64 sizes after the data', streamed({ signature: true, zip64: true })],
    ['with zip64 sizes after the data, without signature', streamed({ signature: false, zip64: true })],
    ['with a directory in another order', rawZip([other, file, { name: 'x' }], { order: [2, 0, 1] })],
    ['with a comment', rawZip([file], { comment: Buffer.from('made by hand') })],
    ['with the longest comment', rawZip([file], { comment: Buffer.alloc(0xffff, 'x') })],
    [
      'with comments and extra fields of entries',
      rawZip([
        {
          ...file,
          comment: Buffer.from('an image'),
          localExtra: Buffer.from('5554050003000000ff', 'hex'),
          directoryExtra: Buffer.from('5554050001000000ff', 'hex'),
        },
      ]),
    ],
    ['with a zip64 record', rawZip([file], { zip64: () => {} })],
    [
      'with a zip64 record alone',
      rawZip([file], {
        zip64: () => {},
        end: (record) => record.fill(0xff, 8, 20),
      }),
    ],
    [
      'with zip64 sizes',
      rawZip([
        {
          ...file,
          localExtra: zip64Extra(BigInt(text.length), BigInt(packed.length)),
          local: (header) => header.fill(0xff, 18, 26),
          directoryExtra: zip64Extra(BigInt(text.length), BigInt(packed.length)),
          record: (record) => record.fill(0xff, 20, 28),
        },
      ]),
    ],
    [
      'with entries that macOS adds',
      rawZip([
        other,
        { name: 'docs/' },
        { name: '__MACOSX/' },
        { name: '__MACOSX/._descriptor.yml', body: Buffer.from('00051607', 'hex') },
        { name: '.DS_Store', body: 'Bud1' },
        file,
      ]),
    ],
    ['with an end record in an entry', rawZip([{ name: 'small.jar', body: good }, other])],
  ])('%s', async (_, bytes) => {
    expect(await words(bytes)).toBe('')
  })

  it('with names that have a meaning on Windows or in shells', async () => {
    const zip = await openZip(
      bufferSource(rawZip([{ name: './a.txt' }, { name: 'docs\\b.txt' }, { name: './' }])),
    )

    expect(zip.entries.map(({ name }) => name)).toEqual(['a.txt', 'docs/b.txt'])
  })

  it('when a file that is not read has an unsupported compression', async () => {
    const zip = await openZip(bufferSource(rawZip([other, { ...file, method: 12 }])))

    const [first] = zip.entries

    expect(first && String(await buffer(Readable.from(zip.read(first))))).toBe('name: x')
  })
})
