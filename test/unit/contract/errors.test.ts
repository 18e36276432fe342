import { describe, expect, it } from 'vitest'
import {
  batchError,
  DomainError,
  ERROR_NAMES,
  type ErrorBody,
  type ErrorDetails,
  explained,
  parameterError,
  unreadable,
} from '../../../src/contract/errors.ts'

const WORDS = '7 is too large; expected at most 5'

/** What core's page shows of an answer. */
function shownByCore({ message, details }: ErrorBody): readonly string[] {
  const errors = 'errors' in details ? (details.errors ?? []) : []
  return [message, ...errors.map((one) => one.message)].filter((text) => text !== '')
}

const isSentence = (text: string): boolean => /\p{L}+ \p{L}+/u.test(text) && !text.startsWith('APPE-')

describe('every error of the table', () => {
  it.each(ERROR_NAMES)('%s is told in words where core shows them', (name) => {
    // Problems of a descriptor always bring their own text.
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

  it.each(ERROR_NAMES)('%s says what is wrong with the value, somewhere in its answer', (name) => {
    for (const error of [
      new DomainError(name, undefined, { words: WORDS }),
      parameterError(name, 'p', WORDS),
      batchError(name, [parameterError('INTERNAL_PARAMETER_LEQ_VALIDATION_ERROR', 'p', WORDS).body]),
    ]) {
      expect(JSON.stringify(explained(error.body))).toContain(WORDS)
    }
  })
})

describe('a refused value', () => {
  it('keeps message and details where clients compare with them, and is explained beside', () => {
    expect(parameterError('INTERNAL_PARAMETER_LEQ_VALIDATION_ERROR', 'p', WORDS).body).toEqual({
      errorCode: 'APPE-internal-request-validation-error',
      message: 'value must be less than or equal to defined constraint',
      details: { type: 'parameter', parameterName: 'p' },
      explanation: `"p": ${WORDS}`,
    })
  })

  it('is explained in the message where its text is ours', () => {
    expect(parameterError('INTERNAL_NULL_PROVISION', 'p', WORDS).body.message).toBe(
      `provision object is null: "p": ${WORDS}`,
    )
    expect(unreadable('p', WORDS).body).toEqual({
      errorCode: 'APPE-internal-request-validation-error',
      message: `invalid parameter type: "p": ${WORDS}`,
      details: { type: 'parameter', parameterName: 'p' },
    })
  })

  it('leaves entries of a batch as clients know them, and is explained for the whole', () => {
    const entry = parameterError('INTERNAL_PARAMETER_LEQ_VALIDATION_ERROR', 'p', WORDS).body
    const { explanation: _, ...known } = entry
    const body = batchError('INTERNAL_GENERIC_BATCH_ERROR', [entry]).body

    expect(body.details).toEqual({ type: 'batch', errors: [known] })
    expect(body.explanation).toBe(`"p": ${WORDS}`)
  })

  it('names its parameter without control characters, and not at any length', () => {
    const { explanation } = parameterError(
      'INTERNAL_PARAMETER_DOES_NOT_EXIST',
      `\u001b[2J${'x'.repeat(9000)}`,
      WORDS,
    )

    expect(explanation).toMatch(/^"\\u\{1b\}\[2Jx+…": 7/u)
    expect(explanation?.length).toBeLessThan(300)
  })
})
