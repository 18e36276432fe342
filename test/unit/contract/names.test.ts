import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isNamespace, isParameterName, isSemver } from '../../../src/contract/names.ts'

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
const DIGITS = '0123456789'
const word = (characters: string, minLength = 1) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength, maxLength: 6 })
const listOf = (identifier: fc.Arbitrary<string>) =>
  fc.array(identifier, { minLength: 1, maxLength: 3 }).map((identifiers) => identifiers.join('.'))

/** Grammar of semver.org: numbers have no leading zeros, other identifiers may have them. */
const number = fc.nat({ max: 999 }).map(String)
const buildIdentifier = word(`${LETTERS}${DIGITS}-`)
const isNumber = (text: string): boolean => [...text].every((character) => DIGITS.includes(character))
const prereleaseIdentifier = fc.oneof(
  number,
  buildIdentifier.filter((text) => !isNumber(text)),
)
const semver = fc
  .record({
    core: fc.tuple(number, number, number),
    prerelease: fc.option(listOf(prereleaseIdentifier)),
    build: fc.option(listOf(buildIdentifier)),
  })
  .map(
    ({ core, prerelease, build }) =>
      `${core.join('.')}${prerelease === null ? '' : `-${prerelease}`}${build === null ? '' : `+${build}`}`,
  )

const label = word(`${LETTERS}${DIGITS}_-`)
const namespace = fc
  .tuple(word(`${LETTERS}${DIGITS}_`, 0), fc.array(label, { minLength: 1, maxLength: 4 }))
  .map(([first, others]) => [first, ...others].join('.'))

/** A text with one invalid character at any position. */
const spoiled = (text: fc.Arbitrary<string>) =>
  fc
    .tuple(text, fc.nat(), fc.constantFrom(' ', '/', '\n', 'é', '%', '@', ':', '\0'))
    .map(([plain, place, character]) => {
      const at = place % (plain.length + 1)
      return plain.slice(0, at) + character + plain.slice(at)
    })

describe('versions', () => {
  it('follow the grammar of semantic versioning', () => {
    fc.assert(
      fc.property(semver, (version) => {
        expect(isSemver(version)).toBe(true)
      }),
    )
  })

  it('have no other characters', () => {
    fc.assert(
      fc.property(spoiled(semver), (version) => {
        expect(isSemver(version)).toBe(false)
      }),
    )
  })

  it('have no leading zeros in their numbers', () => {
    fc.assert(
      fc.property(fc.tuple(number, number, number), fc.nat({ max: 2 }), (core, place) => {
        const padded = core.map((one, index) => (index === place ? `0${one}` : one))

        expect(isSemver(padded.join('.'))).toBe(false)
        expect(isSemver(`1.0.0-${padded.join('.')}`)).toBe(false)
      }),
    )
  })

  it.each(['', '1', '1.0', '1.0.0.0', 'v1.0.0', '1.0.0-', '1.0.0+', '1.0.0-a..b', '1.0.0+a+b', '-1.0.0'])(
    'do not include %j',
    (version) => {
      expect(isSemver(version)).toBe(false)
    },
  )

  it('have at most 255 characters', () => {
    expect(isSemver(`1.0.0-${'a'.repeat(249)}`)).toBe(true)
    expect(isSemver(`1.0.0-${'a'.repeat(250)}`)).toBe(false)
  })
})

describe('namespaces', () => {
  it('are labels separated by dots, of which the first may be empty', () => {
    fc.assert(
      fc.property(namespace, (text) => {
        expect(isNamespace(text)).toBe(true)
      }),
    )
  })

  it('have no other characters', () => {
    fc.assert(
      fc.property(spoiled(namespace), (text) => {
        expect(isNamespace(text)).toBe(false)
      }),
    )
  })

  it('have no empty label except the first', () => {
    fc.assert(
      fc.property(namespace, (text) => {
        expect(isNamespace(`${text}.`)).toBe(false)
        expect(isNamespace(`a..${text}`)).toBe(false)
      }),
    )
  })

  it.each(['', 'com', '.', 'a-b.c', '-.a'])('do not include %j', (text) => {
    expect(isNamespace(text)).toBe(false)
  })

  it('are refused without backtracking', () => {
    expect(isNamespace(`${'a.'.repeat(120)}!`)).toBe(false)
    expect(isSemver(`1.0.0-${'a-'.repeat(120)}!`)).toBe(false)
  })
})

describe('parameter names', () => {
  it('are letters, digits and underscores, and safe in plain objects', () => {
    fc.assert(
      fc.property(word(`${LETTERS}${DIGITS}_`), (name) => {
        expect(isParameterName(name)).toBe(!(name in {}))
      }),
    )
    fc.assert(
      fc.property(spoiled(word(LETTERS)), (name) => {
        expect(isParameterName(name)).toBe(false)
      }),
    )
  })

  it.each(['', 'a-b', 'a.b', 'constructor', '__proto__', 'toString', 'n'.repeat(248)])(
    'do not include %j',
    (name) => {
      expect(isParameterName(name)).toBe(false)
    },
  )
})
