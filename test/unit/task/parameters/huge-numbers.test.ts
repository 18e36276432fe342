import { describe, expect, it } from 'vitest'
import { parseTaskDescriptor } from '../../../../src/task/descriptor/parse-task-descriptor.ts'
import type { ParameterType } from '../../../../src/task/task.ts'
import { aDescriptorText } from '../../../fixtures/bundle-builder.ts'
import { provision, readOutput, refusalOf } from './codec-calls.ts'

const DIGITS = '9'.repeat(1_000_000)

const INTEGER: ParameterType = { id: 'integer' }
const NUMBER: ParameterType = { id: 'number', infinityAllowed: false, nanAllowed: false }
const GEOMETRY: ParameterType = { id: 'geometry' }
const DATETIME: ParameterType = { id: 'datetime' }

describe('a number of a million digits', () => {
  it.each<[what: string, type: ParameterType, text: string]>([
    ['an integer', INTEGER, DIGITS],
    ['a negative integer', INTEGER, `-${DIGITS}`],
    ['an integer in groups', INTEGER, '9_'.repeat(500_000)],
    ['an octal integer', INTEGER, `0${'7'.repeat(1_000_000)}`],
    ['a hexadecimal integer', INTEGER, `0x${'f'.repeat(1_000_000)}`],
    ['a binary integer', INTEGER, `0b${'1'.repeat(1_000_000)}`],
    ['an integer with spaces', INTEGER, `${' '.repeat(1_000_000)}x`],
    ['a number', NUMBER, DIGITS],
    ['a number with this as exponent', NUMBER, `1e${DIGITS}`],
    ['a number followed by other characters', NUMBER, `${DIGITS}x`],
    ['a date', DATETIME, `${DIGITS}-01-01T00:00:00Z`],
    ['a fraction of a second', DATETIME, `2024-01-01T00:00:00.${DIGITS}x`],
    ['a coordinate', GEOMETRY, `{"type": "Point", "coordinates": [1, ${DIGITS}]}`],
  ])('is refused as %s, as input and as output', (_, type, text) => {
    expect(refusalOf(() => provision(type, text))).toBeDefined()
    expect(refusalOf(() => readOutput(type, text))).toBeDefined()
  })

  it('is refused as a JSON number', () => {
    expect(refusalOf(() => provision(INTEGER, JSON.parse(DIGITS)))).toBe('INTERNAL_PARAMETER_TYPE_ERROR')
    expect(refusalOf(() => provision(NUMBER, JSON.parse(DIGITS)))).toBe('INTERNAL_PARAMETER_INFINITY_ERROR')
  })

  it('is accepted after a decimal point', () => {
    expect(provision(NUMBER, `0.${DIGITS}`).value).toBe(1)
  })

  it.each(['0', '1'])('may consist of zeros before a %s', (digit) => {
    expect(provision(INTEGER, '0'.repeat(1_000_000) + digit).value).toBe(Number(digit))
  })
})

describe('a number of many digits in a descriptor', () => {
  /** Maximum length that fits into a descriptor. */
  const many = '9'.repeat(60_000)
  const withInput = (line: string): string =>
    aDescriptorText().replace('type: integer, description: First number', line)

  it.each([
    ['a version', aDescriptorText({ version: `1.0.${many}` })],
    ['an amount of memory', aDescriptorText().replace('gpus: 0', `gpus: 0, ram: ${many}Gi`)],
    ['a number of processors', aDescriptorText().replace('gpus: 0', `cpus: ${many}`)],
    ['a bound', withInput(`type: {id: integer, geq: ${many}}, description: x`)],
    ['a length', withInput(`type: {id: string, max_length: ${many}}, description: x`)],
    ['a default', withInput(`type: integer, default: ${many}, description: x`)],
  ])('is refused as %s, with a short message', (_, text) => {
    const parsed = parseTaskDescriptor(text, { newId: () => 'an-id', defaultRamBytes: 1024 ** 3 })

    const problems = 'problems' in parsed ? parsed.problems : []
    expect(problems).not.toEqual([])
    expect(JSON.stringify(problems).length).toBeLessThan(10_000)
  })
})
