import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readTar, type TarLimits, walkTar } from '../../../../src/archive/tar/read-tar.ts'
import { TarFormatError } from '../../../../src/archive/tar/tar-format-error.ts'
import { rangedInput } from '../../../../src/archive/tar/tar-input.ts'
import { createCrcCoverage } from '../../../../src/archive/zip/crc-coverage.ts'
import { ADVICE } from '../../../fixtures/advice.ts'
import { packTar } from '../../../fixtures/bundle-builder.ts'

async function* inChunks(bytes: Buffer, size = 1000): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** Message of the refusal; empty when the archive is accepted. */
async function words(bytes: Buffer, limits?: TarLimits): Promise<string> {
  try {
    for await (const { body } of readTar(inChunks(bytes), limits)) await textOf(body)
    return ''
  } catch (error) {
    if (error instanceof TarFormatError) return `${error.code}: ${error.message}`
    throw error
  }
}

const BLOCK_BYTES = 512

/** The archive with changes in its first header and a valid checksum. */
function withHeader(bytes: Buffer, change: (header: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes)
  const header = copy.subarray(0, BLOCK_BYTES)
  change(header)
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return copy
}

/** An archive of one file with these pax records before it. */
async function withPax(...records: readonly string[]): Promise<Buffer> {
  const body = records.join('')
  const [extension, file] = [await packTar([{ name: 'PaxHeaders/a', body }]), await packTar([{ name: 'a' }])]
  const typed = withHeader(extension, (header) => header.write('x', 156))
  return Buffer.concat([typed.subarray(0, BLOCK_BYTES * 2), file])
}

/** A pax record of less than 100 bytes, with its length. */
function aRecord(text: string): string {
  return `${Buffer.byteLength(text) + 4} ${text}\n`
}

describe('tar archives', () => {
  it('are read as entries with name, type, link and content', async () => {
    const longName = `${'folder/'.repeat(40)}file`
    const bytes = await packTar([
      { name: './a/', type: 'directory' },
      { name: './a/b.txt', body: 'text' },
      { name: 'c', type: 'symlink', linkname: 'a/b.txt' },
      { name: longName, body: 'deep' },
    ])

    const entries: unknown[] = []
    for await (const { name, type, linkName, body } of readTar(inChunks(bytes))) {
      entries.push([name, type, linkName, await textOf(body)])
    }

    expect(entries).toEqual([
      ['a', 'directory', '', ''],
      ['a/b.txt', 'file', '', 'text'],
      ['c', 'symlink', 'a/b.txt', ''],
      [longName, 'file', '', 'deep'],
    ])
  })

  it('skips unread content', async () => {
    const bytes = await packTar([
      { name: 'large', body: 'x'.repeat(100_000) },
      { name: 'half', body: 'y'.repeat(100_000) },
      { name: 'last', body: 'text' },
    ])

    const texts: string[] = []
    for await (const { name, body } of readTar(inChunks(bytes))) {
      if (name === 'half') for await (const _ of body) break
      if (name === 'last') texts.push(await textOf(body))
    }

    expect(texts).toEqual(['text'])
  })

  it('closes the source when the loop ends early', async () => {
    const bytes = await packTar([{ name: 'large', body: 'x'.repeat(100_000) }, { name: 'next' }])
    let closed = false
    async function* source() {
      try {
        yield* inChunks(bytes)
      } finally {
        closed = true
      }
    }

    for await (const _ of readTar(source())) break

    expect(closed).toBe(true)
  })

  it.each(['before', 'within'])('passes on an error of the source %s an entry', async (place) => {
    const bytes = await packTar([{ name: 'a', body: 'x'.repeat(10_000) }])
    const failure = new Error('no network')
    async function* source() {
      yield bytes.subarray(0, place === 'before' ? 100 : 5000)
      throw failure
    }
    const read = async () => {
      for await (const { body } of readTar(source())) await textOf(body)
    }

    await expect(read()).rejects.toBe(failure)
  })
})

describe('tar archives with random access', () => {
  it('are read without their contents, with the offset of each', async () => {
    const large = 'x'.repeat(300_000)
    const bytes = await packTar([
      { name: 'large', body: large },
      { name: 'link', type: 'symlink', linkname: 'large' },
      { name: 'last', body: 'text' },
    ])
    let fetched = 0
    const source = {
      sizeBytes: bytes.length,
      read: async (start: number, length: number) => {
        fetched += length
        return Readable.from([bytes.subarray(start, start + length)])
      },
    }

    const places: unknown[] = []
    for await (const { name, offset, sizeBytes } of walkTar(rangedInput(source, createCrcCoverage()))) {
      places.push([name, bytes.subarray(offset, offset + sizeBytes).toString()])
    }

    expect(places).toEqual([
      ['large', large],
      ['link', ''],
      ['last', 'text'],
    ])
    expect(fetched).toBeLessThan(bytes.length / 2)
  })
})

describe('hostile or damaged tar archives', () => {
  const cases: [what: string, bytes: () => Promise<Buffer> | Buffer, expected: RegExp, limits?: TarLimits][] =
    [
      [
        'other bytes',
        () => Buffer.from('plain text, not an image '.repeat(64)),
        /^not-a-tar: the image file is not a tar archive: save/u,
      ],
      ['an empty file', () => Buffer.alloc(0), /^not-a-tar/u],
      ['gzip', async () => gzipSync(await packTar([{ name: 'a', body: randomBytes(2000) }])), /gunzip/u],
      [
        'zstd',
        async () => zstdCompressSync(await packTar([{ name: 'a', body: randomBytes(2000) }])),
        /zstd -d/u,
      ],
      ['zip', () => Buffer.from('504b0304', 'hex'), /zip: put the tar archive itself into the bundle/u],
      [
        'an end within an entry',
        async () => (await packTar([{ name: 'a', body: 'x'.repeat(10_000) }])).subarray(0, 5000),
        /^corrupt: .*cut short/u,
      ],
      [
        'a wrong checksum',
        async () => {
          const bytes = await packTar([{ name: 'a' }, { name: 'b' }])
          bytes.write('c', BLOCK_BYTES)
          return bytes
        },
        /^corrupt: .*wrong checksum/u,
      ],
      [
        'a single block of zeros',
        async () => Buffer.concat([Buffer.alloc(BLOCK_BYTES), await packTar([{ name: 'a' }])]),
        /^corrupt: .*single block of zeros/u,
      ],
      [
        'a size that is invalid',
        async () => withHeader(await packTar([{ name: 'a' }]), (header) => header.write('9x', 124)),
        /^corrupt: .*a size in it is not a number/u,
      ],
      ['a malformed record', () => withPax('99 path=b\n'), /^corrupt: .*record of its extended header/u],
      ['a record with an invalid size', () => withPax(aRecord('size=many')), /^corrupt: .*the size in/u],
      [
        'a name that leads upwards',
        () => packTar([{ name: '../up' }]),
        /^unsafe-name: .*points outside the archive/u,
      ],
      [
        'a name that leads upwards after a folder',
        () => packTar([{ name: 'a/../../up' }]),
        /^unsafe-name: /u,
      ],
      ['an absolute name', () => packTar([{ name: '/absolute' }]), /^unsafe-name: /u],
      [
        'a name with control characters',
        () => withPax(aRecord('path=\u001b[31mred\r\nheader: x')),
        /^unsafe-name: [\u0020-\u007e]*has control characters[\u0020-\u007e]*$/u,
      ],
      ['a name with a C1 control character', () => withPax(aRecord('path=\u009b31m')), /control characters/u],
      [
        'two files with the same name and different sizes',
        () =>
          packTar([
            { name: 'a', body: '1' },
            { name: './a', body: '22' },
          ]),
        /^duplicate-name: .*"a"/u,
      ],
      [
        'too many entries',
        () => packTar([{ name: 'first' }, { name: 'second' }, { name: 'third' }]),
        /^limit-exceeded: .*over 2 entries/u,
        { maxEntries: 2, maxNameLength: 10 },
      ],
      [
        'a name that is too long',
        () => packTar([{ name: 'first' }]),
        /^limit-exceeded: .*over 4 characters/u,
        { maxEntries: 10, maxNameLength: 4 },
      ],
      [
        'a header that is longer than allowed',
        async () => {
          const bytes = await packTar([{ name: 'a', body: 'x'.repeat(2 * 1024 * 1024) }])
          return withHeader(bytes, (header) => header.write('L', 156))
        },
        /^limit-exceeded: a header .*over 1048576 bytes/u,
      ],
      [
        'a sparse file of old GNU tar',
        async () => withHeader(await packTar([{ name: 'layer.tar' }]), (header) => header.write('S', 156)),
        /^sparse: .*"layer.tar" .*without tar's option --sparse/u,
      ],
      [
        'a sparse file in pax 0.1',
        () => withPax(aRecord('GNU.sparse.size=5000000'), aRecord('GNU.sparse.map=0,1')),
        /^sparse: .*"a"/u,
      ],
      [
        'a sparse file in pax 1.0',
        () =>
          withPax(
            aRecord('GNU.sparse.major=1'),
            aRecord('GNU.sparse.minor=0'),
            aRecord('GNU.sparse.name=b/layer.tar'),
          ),
        /^sparse: .*"b\/layer.tar"/u,
      ],
    ]

  it.each(cases)('are refused, with advice for their author, for %s', async (_, bytes, expected, limits) => {
    const message = await words(await bytes(), limits)

    expect(message).toMatch(expected)
    expect(message).toMatch(ADVICE)
  })
})
