import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ERRORS } from '../../../src/contract/error-table.ts'
import {
  batchError,
  DomainError,
  type ErrorBody,
  type ErrorDetails,
  type ErrorName,
  explained,
  parameterError,
  unreadable,
} from '../../../src/contract/errors.ts'

const WORDS = '7 is too large; expected at most 5'

const ERROR_NAMES = Object.keys(ERRORS) as readonly ErrorName[]

/** Code of the programs that answer clients, without comments and without the table. */
const CODE = globSync('{src,lambdas,edge,stager}/**/*.ts')
  .filter((file) => file !== 'src/contract/error-table.ts')
  .map((file) => readFileSync(file, 'utf8').replaceAll(/\/\*.*?\*\/|^ *\/\/[^\n]*/gmsu, ''))
  .join('\n')

/** Calls that create an error of the first name in their arguments. */
const CREATED =
  /(?:\bnew \w+Error|\b(?:super|parameterError|batchError|uploadError|refusal|refuse|notMatching|readJson))\(\s*(?:context, )?'(\w+)'/gu
/** Fields of codecs and refusals. A union of names is a type. */
const FIELD = /\b(?:error|nullError): '(\w+)'(?! \|)/gu
/** Constants whose type has names of errors as values; {@link FIXED_MESSAGES} of errors.ts is a set. */
const MAP =
  /^const \w+(?:: [^=]*\bErrorName\b[^=]* = [{[]\n.*?^[}\]]| = \[\n(?: [^\n]*\n)+\] as const satisfies (?:(?!\n\n).)*?\bErrorName\b)/gmsu

/** Names of the errors that code can throw. A comparison with a name throws nothing. */
function namesThrownIn(code: string): ReadonlySet<string> {
  const inMaps = [...code.matchAll(MAP)].flatMap(([map]) => [...map.matchAll(/'([A-Z_]+)'/gu)])
  return new Set([...code.matchAll(CREATED), ...code.matchAll(FIELD), ...inMaps].map(([, name = '']) => name))
}

/** Texts of an error response that core's page shows. */
function shownByCore({ message, details }: ErrorBody): readonly string[] {
  const errors = 'errors' in details ? (details.errors ?? []) : []
  return [message, ...errors.map((one) => one.message)].filter((text) => text !== '')
}

const isSentence = (text: string): boolean => /\p{L}+ \p{L}+/u.test(text) && !text.startsWith('APPE-')

describe('each row of the error table', () => {
  it('is thrown', () => {
    const thrown = namesThrownIn(CODE)

    expect(ERROR_NAMES.filter((name) => !thrown.has(name))).toEqual([])
  })

  it.each([
    "throw new DomainError('TASK')",
    "throw parameterError(\n  'TASK',\n  name)",
    "await readJson(context, 'TASK')",
    "fail({ error: 'TASK', names })",
    "const BOUNDS = [\n  ['gt', 'TASK'],\n] as const satisfies readonly [string, ErrorName][]",
    "const CODES: Partial<Record<Code, ErrorName>> = {\n  'none': 'TASK',\n}\n",
  ])('is thrown by %j', (code) => {
    expect([...namesThrownIn(code)]).toEqual(['TASK'])
  })

  it.each([
    "if (error.error === 'TASK') return",
    "type Known = 'TASK'",
    "const failed = { error: undefined as 'TASK' | 'RUN' }",
    "function fail(error: 'TASK' | 'RUN') {}",
    "const KNOWN: ReadonlySet<ErrorName> = new Set([\n  'TASK',\n])\n",
  ])('is not thrown by %j', (code) => {
    expect([...namesThrownIn(code)]).toEqual([])
  })

  it.each(ERROR_NAMES)('%s has a sentence in the fields that core shows', (name) => {
    // This row has no message, because each problem of a descriptor has its own.
    const text = name === 'INTERNAL_PARAMETER_SCHEMA_VALIDATION_ERROR' ? { text: WORDS } : {}
    const kinds: readonly ErrorDetails[] = [
      { type: 'empty' },
      { type: 'parameter', parameterName: 'p' },
      { type: 'related', parameterName: 'p', description: WORDS },
      { type: 'server', exceptionMessage: WORDS },
    ]
    for (const details of kinds) {
      const texts = shownByCore(explained(new DomainError(name, details, text).body))
      expect(texts.some(isSentence)).toBe(true)
      if (details.type !== 'parameter') expect(texts.length).toBeGreaterThan(1)
    }
  })

  it.each(ERROR_NAMES)('%s includes the explanation of the value in its response', (name) => {
    for (const error of [
      new DomainError(name, undefined, { words: WORDS }),
      parameterError(name, 'p', WORDS),
      batchError(name, [parameterError('INTERNAL_PARAMETER_LEQ_VALIDATION_ERROR', 'p', WORDS).body]),
    ]) {
      expect(JSON.stringify(explained(error.body))).toContain(WORDS)
    }
  })
})

describe('an error about a value', () => {
  it('has a separate explanation when the contract fixes the message', () => {
    expect(parameterError('INTERNAL_PARAMETER_LEQ_VALIDATION_ERROR', 'p', WORDS).body).toEqual({
      errorCode: 'APPE-internal-request-validation-error',
      message: 'value must be less than or equal to defined constraint',
      details: { type: 'parameter', parameterName: 'p' },
      explanation: `"p": ${WORDS}`,
    })
  })

  it('has its explanation in the message when the contract does not fix it', () => {
    expect(parameterError('INTERNAL_NULL_PROVISION', 'p', WORDS).body.message).toBe(
      `provision object is null: "p": ${WORDS}`,
    )
    expect(unreadable('p', WORDS).body).toEqual({
      errorCode: 'APPE-internal-request-validation-error',
      message: `invalid parameter type: "p": ${WORDS}`,
      details: { type: 'parameter', parameterName: 'p' },
    })
  })

  it('keeps the entries of a batch and joins their explanations', () => {
    const entry = parameterError('INTERNAL_PARAMETER_LEQ_VALIDATION_ERROR', 'p', WORDS).body
    const { explanation: _, ...known } = entry
    const body = batchError('INTERNAL_GENERIC_BATCH_ERROR', [entry]).body

    expect(body.details).toEqual({ type: 'batch', errors: [known] })
    expect(body.explanation).toBe(`"p": ${WORDS}`)
  })

  it('is explained in a batch also where the message contains the explanation', () => {
    const entries = [unreadable('p', WORDS).body, parameterError('INTERNAL_PARAMETER_TYPE_ERROR', 'q').body]
    const body = batchError('INTERNAL_GENERIC_BATCH_ERROR', entries).body

    expect(body.details).toEqual({ type: 'batch', errors: entries })
    expect(body.explanation).toBe(`invalid parameter type: "p": ${WORDS}; "q": ${entries[1]?.message}`)
  })

  it('truncates the parameter name and escapes control characters', () => {
    const { explanation } = parameterError(
      'INTERNAL_PARAMETER_DOES_NOT_EXIST',
      `\u001b[2J${'x'.repeat(9000)}`,
      WORDS,
    )

    expect(explanation).toMatch(/^"\\u\{1b\}\[2Jx+…": 7/u)
    expect(explanation?.length).toBeLessThan(300)
  })
})
