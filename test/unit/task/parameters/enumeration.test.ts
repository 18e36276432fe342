import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { listInput, provision, readOutput, refusalOf } from './codec-calls.ts'

const type = { id: 'enumeration', values: ['red', 'green', ' padded', '😀'.repeat(200)] } as const

describe('enumeration parameters', () => {
  it('store and list every value unchanged', () => {
    const items = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => text.trim() === text)
    fc.assert(
      fc.property(fc.array(items, { minLength: 1 }), fc.nat(), (values, index) => {
        const listed = { id: 'enumeration', values } as const
        const value = values[index % values.length] ?? ''

        expect(provision(listed, value)).toEqual({ fileText: value, value })
        expect(listInput(listed, value)).toBe(value)
        expect(readOutput(listed, `${value}\n`)).toBe(value)
      }),
    )
  })

  it.each([
    ['yellow', 'INTERNAL_PARAMETER_VALIDATION_ERROR'],
    ['Red', 'INTERNAL_PARAMETER_VALIDATION_ERROR'],
    ['padded', 'INTERNAL_PARAMETER_VALIDATION_ERROR'],
    [1, 'INTERNAL_PARAMETER_VALIDATION_ERROR'],
    [['red'], 'INTERNAL_PARAMETER_VALIDATION_ERROR'],
    ['re\nd', 'INTERNAL_PARAMETER_GT_VALIDATION_ERROR'],
    ['x'.repeat(257), 'INTERNAL_PARAMETER_GT_VALIDATION_ERROR'],
  ])('refuse %j', (value, error) => {
    expect(refusalOf(() => provision(type, value))).toBe(error)
  })

  it('accept a value of 256 characters outside of the basic plane', () => {
    expect(provision(type, '😀'.repeat(200)).value).toBe('😀'.repeat(200))
  })

  it('accept an output that lacks the surrounding spaces of a value', () => {
    expect(readOutput(type, 'padded\n')).toBe(' padded')
    expect(readOutput({ id: 'enumeration', values: [' a', 'a ', 'b'] }, 'a')).toBe(' a')
    expect(readOutput({ id: 'enumeration', values: [' a', 'a'] }, 'a')).toBe('a')
  })

  it('build an index of a long list of values once for many items', () => {
    let seen = 0
    const values = Array.from({ length: 1000 }, (_, index) => ` ${index}`)
    const counted = new Proxy(values, {
      get(target, key, receiver) {
        if (typeof key === 'string' && /^\d+$/u.test(key)) seen += 1
        return Reflect.get(target, key, receiver)
      },
    })
    const long = { id: 'enumeration', values: counted } as const
    for (let index = 0; index < 1000; index += 1) {
      expect(readOutput(long, String(index))).toBe(` ${index}`)
      expect(provision(long, ` ${index}`).value).toBe(` ${index}`)
    }

    expect(seen).toBeLessThan(5 * values.length)
  })

  it.each([
    ['yellow', 'INTERNAL_PARAMETER_VALIDATION_ERROR'],
    ['red\ngreen', 'INTERNAL_PARAMETER_GT_VALIDATION_ERROR'],
    ['', 'INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_BLANK'],
  ])('refuse the output %j', (text, error) => {
    expect(refusalOf(() => readOutput(type, text))).toBe(error)
  })
})
