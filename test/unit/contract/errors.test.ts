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
  .map((file) => readFileSync(file, 'utf8').replaceAll(/\/\*.*?\*\//gsu, ''))
  // The entry of a row in FIXED_MESSAGES does not count as a use.
  .map((text) => text.replace(/const FIXED_MESSAGES.*?\]\)/su, ''))
  .join('\n')

/** Texts of an error response that core's page shows. */
function shownByCore({ message, details }: ErrorBody): readonly string[] {
  const errors = 'errors' in details ? (details.errors ?? []) : []
  return [message, ...errors.map((one) => one.message)].filter((text) => text !== '')
}

const isSentence = (text: string): boolean => /\p{L}+ \p{L}+/u.test(text) && !text.startsWith('APPE-')

describe('each row of the error table', () => {
  it.each(ERROR_NAMES)('%s is used', (name) => {
    expect(CODE).toContain(`'${name}'`)
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
