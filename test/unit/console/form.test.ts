import { describe, expect, it } from 'vitest'
import type { ParameterType, TaskInput } from '../../../console/src/api/types.ts'
import { describeType } from '../../../console/src/pages/task/constraints.ts'
import { initialValues, problemOf, toJson } from '../../../console/src/pages/task/field-values.ts'

const number = { id: 'number', geq: 0, lt: 1, infinityAllowed: false, nanAllowed: true } as const
const files = { id: 'image', formats: ['png'], maxFileSize: '2Gi', maxWidth: 100, maxHeight: 50 } as const

describe('the constraint of a field', () => {
  it.each<[ParameterType, string]>([
    [{ id: 'integer', gt: 0, leq: 60 }, 'whole number, greater than 0, at most 60'],
    [number, 'number, at least 0, less than 1, nan allowed'],
    [{ id: 'boolean' }, 'yes or no'],
    [{ id: 'string', minLength: 2, maxLength: 9 }, 'text, at least 2 characters, at most 9 characters'],
    [{ id: 'enumeration', values: ['H&E', 'IHC'] }, 'one of a list, “H&E” or “IHC”'],
    [{ id: 'datetime', after: '2026-01-01T00:00:00Z' }, 'time, not before 2026-01-01T00:00:00Z'],
    [{ id: 'geometry' }, 'geometry, GeoJSON, in pixels from the lower left corner of the image'],
    [files, 'image, PNG, at most 2Gi, at most 100 pixels wide, at most 50 pixels high'],
    [{ id: 'file', formats: null }, 'file'],
    [
      { id: 'array', minSize: 1, maxSize: 5, subType: { id: 'integer' } },
      'list of items (whole number), at least 1 items, at most 5 items',
    ],
  ])('is described in words: %j', (type, words) => {
    expect(describeType(type)).toBe(words)
  })
})

describe('the form of a task', () => {
  const input = (name: string, type: ParameterType, more: Partial<TaskInput> = {}): TaskInput => ({
    id: name,
    name,
    display_name: name,
    description: '',
    default: 'null',
    optional: false,
    type,
    ...more,
  })

  it('starts with the defaults, and with as many items as a list requires', () => {
    const list = { id: 'array', minSize: 2, subType: { id: 'integer' } } as const

    expect(
      initialValues([
        input('threshold', number, { default: '0.5', optional: true }),
        input('label', { id: 'string', minLength: 0 }),
        input('weights', list),
        input('others', list, { optional: true }),
      ]),
    ).toEqual({ threshold: '0.5', label: '', weights: ['', ''], others: [] })
  })

  it.each<[ParameterType, string, unknown]>([
    [number, ' 0.25 ', 0.25],
    [number, 'nan', 'NaN'],
    [{ id: 'boolean' }, 'false', false],
    [{ id: 'string', minLength: 0 }, ' 7 ', ' 7 '],
    [{ id: 'integer' }, '', null],
  ])('sends %j %j as %j', (type, text, json) => {
    expect(toJson(type, text)).toEqual(json)
  })

  it.each<[ParameterType, string, string | undefined]>([
    [number, '1', 'less than 1'],
    [number, 'inf', 'finite'],
    [{ id: 'integer' }, '1.5', 'whole number'],
    [{ id: 'string', minLength: 2 }, 'x', 'at least 2 characters'],
    [{ id: 'enumeration', values: ['a'] }, 'b', 'one of the values'],
    [{ id: 'geometry' }, '{"type": "Point"}', undefined],
    [{ id: 'geometry' }, 'POINT(1 2)', 'not JSON'],
  ])('describes the problem of %j %j', (type, text, words) => {
    const problem = problemOf(type, text, false)

    if (words === undefined) expect(problem).toBeUndefined()
    else expect(problem).toContain(words)
  })
})
