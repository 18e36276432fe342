import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DomainError } from '../../../src/contract/errors.ts'
import { decodeUtf8 } from '../../../src/inputs/decode-utf8.ts'
import { readStringOutput } from '../../../src/outputs/read-string-output.ts'
import type { ByteSource } from '../../../src/shared/byte-source.ts'
import type { TypeOf } from '../../../src/task/parameters/parameter-codec.ts'
import { stringCodec } from '../../../src/task/parameters/string.ts'

/** Short, so that tests have white space that is longer than a step. */
const STEP_BYTES = 8

/** A source whose bytes arrive in pieces of these sizes, used in turn. */
function sourceOf(bytes: Uint8Array, pieceSizes: readonly number[] = [65_536]): ByteSource {
  return {
    sizeBytes: bytes.byteLength,
    async read(start, length) {
      const section = bytes.subarray(start, start + length)
      const pieces: Uint8Array[] = []
      for (let at = 0, i = 0; at < section.length; i += 1) {
        const size = pieceSizes[i % pieceSizes.length] ?? 1
        pieces.push(section.subarray(at, at + size))
        at += size
      }
      return Readable.from(pieces)
    },
  }
}

async function streamed(source: ByteSource, type: TypeOf<'string'>): Promise<unknown> {
  try {
    const beginning = await readStringOutput(source, type, 'p', STEP_BYTES)
    return { length: Math.min(beginning.length, 1000), beginning: beginning.slice(0, 1000) }
  } catch (error) {
    if (error instanceof DomainError) return error.error
    throw error
  }
}

function whole(bytes: Uint8Array, type: TypeOf<'string'>): unknown {
  try {
    const text = String(stringCodec.readOutput(decodeUtf8(bytes, 'p'), type, 'p'))
    return { length: Math.min(text.length, 1000), beginning: text.slice(0, 1000) }
  } catch (error) {
    if (error instanceof DomainError) return error.error
    throw error
  }
}

const ANY: TypeOf<'string'> = { id: 'string', minLength: 0 }

/** Characters that String.prototype.trim removes, and similar ones that it keeps. */
const SPACES = [' ', '\t', '\r\n', '\v', '\f', '\u00a0', '\u1680', '\u2003', '\u2028', '\u3000', '\ufeff']
const OTHERS = [
  'a',
  '"',
  '\\',
  '\0',
  '\u001f',
  '\u007f',
  'é',
  '\u0085',
  '\u200b',
  '…',
  '😀',
  '\ud7ff',
  '\ufffd',
]
const space = fc.array(fc.constantFrom(...SPACES), { maxLength: 40 }).map((characters) => characters.join(''))
const word = fc.array(fc.constantFrom(...OTHERS), { maxLength: 6 }).map((characters) => characters.join(''))
const text = fc
  .tuple(space, fc.array(fc.tuple(word, space), { maxLength: 4 }))
  .map((parts) => parts.flat(2).join(''))
const type = fc.record(
  { id: fc.constant('string' as const), minLength: fc.nat(30), maxLength: fc.nat(60) },
  { requiredKeys: ['id', 'minLength'] },
)
const pieceSizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })

describe('a string output that is read in steps', () => {
  it('equals the codec’s result for the whole text', async () => {
    await fc.assert(
      fc.asyncProperty(text, type, pieceSizes, async (written, wanted, sizes) => {
        const bytes = Buffer.from(written)

        expect(await streamed(sourceOf(bytes, sizes), wanted)).toEqual(whole(bytes, wanted))
      }),
      { numRuns: 500 },
    )
  })

  it('is refused for invalid UTF-8 at any position', async () => {
    const bytes = fc
      .tuple(text, fc.uint8Array({ maxLength: 6 }), text)
      .map(([before, between, after]) => Buffer.concat([Buffer.from(before), between, Buffer.from(after)]))
    await fc.assert(
      fc.asyncProperty(bytes, type, pieceSizes, async (written, wanted, sizes) => {
        expect(await streamed(sourceOf(written, sizes), wanted)).toEqual(whole(written, wanted))
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['truncated within a character', Buffer.from('a…').subarray(0, 3)],
    ['with half a surrogate pair', Buffer.from([0x61, 0xed, 0xa0, 0x80])],
    ['with an overlong form', Buffer.from([0xc0, 0xa0])],
    [
      'with a broken character before white space',
      Buffer.concat([Buffer.from([0xe2, 0x80]), Buffer.from('  ')]),
    ],
    ['with continuation bytes only', Buffer.alloc(100, 0x80)],
  ])('is refused when it is %s', async (_, bytes) => {
    expect(await streamed(sourceOf(bytes, [1]), ANY)).toBe('INTERNAL_PARAMETER_TYPE_ERROR')
  })

  it('may have white space that is longer than a step', async () => {
    const gap = '\u3000'.repeat(100_000)
    const bytes = Buffer.from(`${' '.repeat(100_000)}a${gap}b${'\n'.repeat(100_000)}`)

    expect(await streamed(sourceOf(bytes, [1000]), ANY)).toEqual(whole(bytes, ANY))
  })

  it('is refused for its length at any size', async () => {
    const limited = { ...ANY, maxLength: 10 }

    expect(await streamed(sourceOf(Buffer.alloc(100_000, 'a'), [500]), limited)).toBe(
      'INTERNAL_PARAMETER_GEQ_VALIDATION_ERROR',
    )
  })

  it('is refused for a NUL at any position', async () => {
    const bytes = Buffer.from(`${'a'.repeat(5000)}\0${'a'.repeat(5000)}`)

    expect(await streamed(sourceOf(bytes, [500]), ANY)).toBe('INTERNAL_PARAMETER_TYPE_ERROR')
  })
})
