import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Bunzip2 } from '../../../../src/archive/zip/bunzip2.ts'
import { DecodeError } from '../../../../src/archive/zip/decode-error.ts'
import { decodeEntry, type EntryDecoder } from '../../../../src/archive/zip/entry-decoder.ts'
import { Inflate64 } from '../../../../src/archive/zip/inflate64.ts'
import { packBzip2 } from '../../../fixtures/pack-bzip2.ts'
import { expandTokens, packTokens, packWithoutCopies, type Token } from '../../../fixtures/pack-deflate64.ts'
import { mutateBytes } from '../../../fuzz/mutate-bytes.ts'
import { createRandom } from '../../../fuzz/random.ts'

/** Output of Python's bz2: longest runs, all byte values, two blocks. */
const PYTHON = {
  text: 'QlpoOTFBWSZTWYYB7swAAG2TgEABBAA////wMAC4CgAGgAAKAAaAAAKVKammjRhNDam2pME5EyT6JknwTUmCak6E9yfZME7EwTsJsTcTuTwTqTYnoT8Jgm4mSdyaE5E1J4JoTqT+JsTQmSZJ0KvJPJP8XckU4UJCGAe7MA==',
  runs: 'QlpoOTFBWSZTWdPZWH0AAZ3/////////////////////////////////////////////sAGaKoSX//qqqAAmA0BMJgAAAABMAAAAAAAAGQAAABMAAAAAAAAAAmjAAAAAABJgAJgACYAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEeqknqJoDEGIDRpoAwgBoMjQ0yGTQA0NA0yABiBkbU0GhkADQZDQ0xABkaNAyBgQGg0NAaBkMmRo000pUEQREp1iAiCIiiLmj0ioIgiI/qCpUBfKiVIqZVH8ImiiKosi6MIygEaRtHEdR5H38pAkKRJG/pJElSZJ0oSlKkrSxLUuS9MExTJM00TVNk3ThOU6TtPE9T5P1AUFQlDURRX9qMo6kKSpSlqYpqnKeqCoqkqaqKqqyrqwYkxRix3MYY0xw8GPMgZEyRkyBe0EQAehR7AQAUWpa1sW1blvXBcVyXNdF1XZd14XlekCgl7QKAviCXyCWIuij+KqrEXBRE0pphWBLCLTTkEag1JqjVkGaw1priEIVjWOY9kGRZJk2Uf4yrLMuzDMs0zbOM6zzPtA0LRNG0jStM07UNS1TVtY1rXNe2DYtk2baNq2zbtw3LdN23jet837gOC4ThuI4rjOO5DkuU5bmOa5znug6LpP9dN/z/3UdV1nXdh2Xadt3Hdd533geF4njeR5Xmed6Hpep63sKE/BRFGfk/RSH7P4UpAIIgiItW/0gimP8U5/xdyRThQkNPZWH0A==',
  blocks:
    'QlpoMTFBWSZTWfK3BT4AT2dEAGAAOAAwAPgBmgGaAKUTTqED1CB1CBtCBtCBtCBiJQW0IHqEDKEDaEDKEDFCB1CByJQW0IHUIGKEDaED1CBihA4oQNoQMiUFtCBihAxQgdQgfMUFZJlNZY3eBPwBIDkQAYAA4ADAA+AGaAZoBNUTTkCPIEcgRqBGoEagRkIUWoEeQIxAjUCMQIyQI5AjoQotQI5AjJAjUCPIEZIEdSBGoEYIUWoEZIEZIEcgR8XckU4UJCGGYtCA',
}

async function decode(decoder: EntryDecoder, packed: Buffer, pieceBytes = 65_536): Promise<Buffer> {
  async function* pieces() {
    for (let at = 0; at < packed.length; at += pieceBytes) yield packed.subarray(at, at + pieceBytes)
  }
  const content: Uint8Array[] = []
  for await (const piece of decodeEntry(decoder, pieces())) content.push(piece)
  return Buffer.concat(content)
}

async function refusal(decoder: EntryDecoder, packed: Buffer): Promise<string> {
  try {
    return `${(await decode(decoder, packed)).length} bytes`
  } catch (error) {
    if (error instanceof DecodeError) return error.message
    throw error
  }
}

const anyContent = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }),
  fc
    .array(fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 600 })), { maxLength: 20 })
    .map((runs) => Buffer.concat(runs.map(([byte, count]) => Buffer.alloc(count, byte)))),
)

describe('deflate64', () => {
  it('decodes deflate streams without a match of length 258, the only one that deflate64 encodes differently', async () => {
    const texts = fc.array(fc.constantFrom('a', 'b', 'ca', 'dab', '\u0000'), { maxLength: 4000 })
    await fc.assert(
      fc.asyncProperty(
        texts,
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 1, max: 3000 }),
        async (words, level, pieceBytes) => {
          const content = Buffer.from(words.join('').replaceAll(/(.)\1{200}/gsu, '$1'))
          expect(
            (await decode(new Inflate64(), deflateRawSync(content, { level }), pieceBytes)).equals(content),
          ).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })

  it.each([1, 7, 100, 65_536])('decodes input in pieces of %d bytes', async (pieceBytes) => {
    const random = createRandom(3)
    const content = Buffer.concat([random.bytes(3000), Buffer.alloc(100), Buffer.from('text '.repeat(40))])
    for (const packed of [
      packWithoutCopies(content),
      deflateRawSync(content, { level: 0 }),
      deflateRawSync(content),
    ]) {
      expect((await decode(new Inflate64(), packed, pieceBytes)).equals(content)).toBe(true)
    }
  })

  it('decodes matches of up to 65 538 bytes at distances of up to 65 536', async () => {
    const start: Token[] = [...createRandom(5).bytes(300), { length: 65_538, distance: 1 }]
    const lengths = [3, 4, 10, 11, 18, 19, 114, 115, 130, 226, 227, 257, 258, 259, 260, 1000, 65_537, 65_538]
    const distances = [1, 2, 3, 4, 5, 8, 9, 256, 257, 300, 32_768, 32_769, 49_152, 49_153, 65_535, 65_536]
    const tokens = lengths.flatMap((length) => distances.map((distance): Token => ({ length, distance })))
    const all = [...start, ...tokens]

    const content = await decode(new Inflate64(), packTokens(all))

    expect(content.equals(expandTokens(all))).toBe(true)
  })

  const copy = packTokens([1, 2, 3, { length: 3, distance: 4 }])
  it.each<readonly [what: string, packed: Buffer, words: RegExp]>([
    ['nothing', Buffer.alloc(0), /cut short/u],
    ['only the start', Buffer.from([0x05]), /cut short/u],
    ['a block of an undefined type', Buffer.from([0x07, 0, 0]), /undefined type/u],
    ['a stored block with a wrong length', Buffer.from([0x01, 5, 0, 5, 0, 1]), /length of a stored block/u],
    ['a truncated stored block', Buffer.from([0x01, 5, 0, 0xfa, 0xff, 1]), /cut short/u],
    ['a match before the start', copy, /starts before the output/u],
    ['a truncated block', packTokens([1, 2, 3]).subarray(0, -1), /cut short/u],
    ['bytes after the end', Buffer.concat([packTokens([1]), Buffer.from('hidden')]), /6 bytes after/u],
    ['an undefined code', Buffer.from([0x63, 0x1c, 0x00]), /code is undefined|cut short|bytes/u],
    [
      'an over-subscribed code',
      Buffer.from('05e081080000000000', 'hex'),
      /too many|too few|no end|cut short|code is undefined/u,
    ],
    ['only bits that are 1', Buffer.alloc(5000, 255), /undefined type/u],
  ])('is refused with %s', async (_, packed, words) => {
    expect(await refusal(new Inflate64(), packed)).toMatch(words)
  })
})

describe('bzip2', () => {
  it.each([1, 1000, 65_536])('decodes output of Python in pieces of %d bytes', async (pieceBytes) => {
    const text = Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(20))
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const runs = Buffer.concat([
      ...[all, all, all, Buffer.alloc(70_000), Buffer.from('ab'.repeat(500))],
      ...[Buffer.from('xxxx'), Buffer.alloc(259, 'y'), Buffer.alloc(260, 'z')],
    ])
    const blocks = Buffer.concat(
      Array.from({ length: 60_000 }, (_, i) => Buffer.alloc(1 + (i % 5), 65 + (i % 3))),
    )
    for (const [name, content] of Object.entries({ text, runs, blocks })) {
      const packed = Buffer.from(PYTHON[name as keyof typeof PYTHON], 'base64')
      expect((await decode(new Bunzip2(), packed, pieceBytes)).equals(content)).toBe(true)
    }
  })

  it('returns the content that was packed', async () => {
    await fc.assert(
      fc.asyncProperty(anyContent, fc.integer({ min: 1, max: 500 }), async (bytes, pieceBytes) => {
        const content = Buffer.from(bytes)
        expect((await decode(new Bunzip2(), packBzip2(content), pieceBytes)).equals(content)).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  const packed = packBzip2(Buffer.from('some text'))
  const changed = (at: number, byte: number): Buffer => {
    const copy = Buffer.from(packed)
    copy[at] = byte
    return copy
  }
  it.each<readonly [what: string, packed: Buffer, words: RegExp]>([
    ['nothing', Buffer.alloc(0), /cut short/u],
    ['a wrong signature', changed(0, 0), /start with the bzip2 signature/u],
    ['an invalid level', changed(3, 0x30), /start with the bzip2 signature/u],
    ['a wrong signature of a block', changed(4, 0), /wrong signature/u],
    ['a wrong checksum of a block', changed(10, 0), /checksum/u],
    ['a randomised block', changed(14, 0x80), /randomised/u],
    ['a pointer outside of the block', changed(14, 0x7f), /start index of a block is out of/u],
    ['a truncated block', packed.subarray(0, -20), /cut short|no meaning|too few/u],
    ['a truncated end', packed.subarray(0, -2), /cut short/u],
    ['bytes after the end', Buffer.concat([packed, Buffer.from('hidden')]), /6 bytes after/u],
    ['a wrong checksum of the whole', changed(packed.length - 2, 0xff), /checksum/u],
  ])('is refused with %s', async (_, bytes, words) => {
    expect(await refusal(new Bunzip2(), bytes)).toMatch(words)
  })

  it('returns large content in pieces', async () => {
    const runs = Buffer.concat(Array.from({ length: 9000 }, () => Buffer.alloc(259)))
    const packedRuns = packBzip2(runs.subarray(0, 259 * 300))
    const pieces: number[] = []
    async function* once() {
      yield packedRuns
    }
    for await (const piece of decodeEntry(new Bunzip2(), once())) pieces.push(piece.length)

    expect(pieces.reduce((sum, bytes) => sum + bytes, 0)).toBe(259 * 300)
    expect(Math.max(...pieces)).toBeLessThanOrEqual(1024 ** 2)
  })
})

describe('mutated input', () => {
  const random = createRandom(11)
  const content = Buffer.concat([random.bytes(500), Buffer.from('text '.repeat(200)), Buffer.alloc(500)])
  const copies: Token[] = [
    ...content.subarray(0, 300),
    { length: 4000, distance: 200 },
    { length: 70, distance: 3000 },
  ]

  it.each<readonly [what: string, packed: Buffer, decoder: () => EntryDecoder]>([
    ['deflate64 with matches', packTokens(copies), () => new Inflate64()],
    ['deflate64 with dynamic codes', deflateRawSync(content), () => new Inflate64()],
    ['deflate64 with stored blocks', deflateRawSync(content, { level: 0 }), () => new Inflate64()],
    ['bzip2', packBzip2(content), () => new Bunzip2()],
    ['bzip2 of two blocks', Buffer.from(PYTHON.blocks, 'base64'), () => new Bunzip2()],
  ])('is decoded or refused with an explanation: %s', async (_, packed, decoder) => {
    for (let round = 0; round < 300; round += 1) {
      expect(await refusal(decoder(), mutateBytes(packed, random))).not.toBe('')
    }
  })
})
