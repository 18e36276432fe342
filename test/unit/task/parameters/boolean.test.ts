import { describe, expect, it } from 'vitest'
import { listInput, provision, readOutput, refusalOf } from './codec-calls.ts'

const type = { id: 'boolean' } as const

describe('boolean parameters', () => {
  it.each([true, false])('store and list %s unchanged', (value) => {
    const { fileText, value: echo } = provision(type, value)

    expect(fileText).toBe(String(value))
    expect(echo).toBe(value)
    expect(listInput(type, fileText)).toBe(value)
    expect(readOutput(type, fileText)).toBe(value)
  })

  it.each(['true', 1, [true], {}, null])('refuse %j', (value) => {
    expect(refusalOf(() => provision(type, value))).toBe('INTERNAL_PARAMETER_VALIDATION_ERROR')
  })

  it.each([
    ['True\n', true],
    [' FALSE ', false],
  ])('read the output %j', (text, value) => {
    expect(readOutput(type, text)).toBe(value)
  })

  it.each([
    ['yes', 'INTERNAL_PARAMETER_VALIDATION_ERROR'],
    ['1', 'INTERNAL_PARAMETER_VALIDATION_ERROR'],
    [' \n', 'INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_BLANK'],
  ])('refuse the output %j', (text, error) => {
    expect(refusalOf(() => readOutput(type, text))).toBe(error)
  })
})
