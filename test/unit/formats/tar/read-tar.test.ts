import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readTar, type TarLimits, walkTar } from '../../../../src/formats/tar/read-tar.ts'
import { TarFormatError } from '../../../../src/formats/tar/tar-format-error.ts'
import { rangedInput } from '../../../../src/formats/tar/tar-input.ts'
import { createCrcCoverage } from '../../../../src/formats/zip/crc-coverage.ts'
import { packTar } from '../../../fixtures/bundle-builder.ts'

async function* inChunks(bytes: Buffer, size = 1000): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

async function refusal(bytes: Buffer, limits?: TarLimits): Promise<string | undefined> {
  try {
    for await (const { body } of readTar(inChunks(bytes), limits)) await textOf(body)
    return undefined
  } catch (error) {
    if (error instanceof TarFormatError) return error.code
    throw error
  }
}

describe('tar archives', () => {
  it('gives entries with name, type, link and content', async () => {
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

  it('skips what is not read of an entry', async () => {
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

  it('closes the source when the loop is left early', async () => {
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

  it.each(['before', 'within'])('passes a failure of the source on, %s an entry', async (place) => {
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

describe('tar archives that can be read from any place', () => {
  it('are walked without reading bodies, which are where they say', async () => {
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
  it('refuses bytes that are no tar', async () => {
    expect(await refusal(Buffer.from('plain text, not an image '.repeat(64)))).toBe('not-a-tar')
  })

  it.each<[string, (bytes: Buffer) => Buffer, string]>([
    ['gzip', gzipSync, 'gunzip'],
    ['zstd', zstdCompressSync, 'zstd -d'],
  ])('tells what to do about an archive in %s', async (_, compress, advice) => {
    const bytes = compress(await packTar([{ name: 'a', body: randomBytes(2000) }]))

    await expect(Array.fromAsync(readTar(inChunks(bytes)))).rejects.toThrow(advice)
  })

  it('refuses an archive that ends within an entry', async () => {
    const bytes = await packTar([{ name: 'a', body: 'x'.repeat(10_000) }])

    expect(await refusal(bytes.subarray(0, 5000))).toBe('corrupt')
  })

  it.each(['../up', 'a/../../up', '/absolute'])('refuses the name %s', async (name) => {
    expect(await refusal(await packTar([{ name, body: 'text' }]))).toBe('unsafe-name')
  })

  it('refuses two files with one name', async () => {
    const bytes = await packTar([
      { name: 'a', body: '1' },
      { name: './a', body: '2' },
    ])

    expect(await refusal(bytes)).toBe('duplicate-name')
  })

  it('refuses too many entries and too long names', async () => {
    const bytes = await packTar([{ name: 'first' }, { name: 'second' }, { name: 'third' }])

    expect(await refusal(bytes, { maxEntries: 2, maxNameLength: 10 })).toBe('limit-exceeded')
    expect(await refusal(bytes, { maxEntries: 10, maxNameLength: 5 })).toBe('limit-exceeded')
  })
})
