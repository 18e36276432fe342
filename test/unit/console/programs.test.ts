import { describe, expect, it } from 'vitest'
import type { InnerArray, RunValue } from '../../../console/src/api/types.ts'
import { givenBy } from '../../../console/src/pages/run/program/given.ts'
import { programsOf } from '../../../console/src/pages/run/program/programs.ts'

const NOTHING = { plain: [], texts: [], arrays: [], files: [], empty: [] }
const LONG = 'x'.repeat(3000)

const common = { taskRunId: 'b30bd7b3-6ad9-4c3c-8b2c-0d8a5f7c9c11', parameterName: 'a' }
const aText = (value: string): RunValue => ({ ...common, type: 'STRING', value })
const anArray = (subType: InnerArray['subType'], value: InnerArray['value']): RunValue => ({
  ...common,
  ...{ type: 'ARRAY', subType, value },
})
const inner = (index: number, subType: InnerArray['subType'], value: InnerArray['value']): InnerArray => ({
  ...common,
  ...{ index, type: 'ARRAY', subType, value },
})

describe('the inputs of a run in a program', () => {
  it.each<[string, RunValue, Partial<ReturnType<typeof givenBy>>]>([
    ['a short text is part of it', aText('b'), { plain: [{ parameterName: 'a', value: 'b' }] }],
    ['a long text is downloaded', aText(LONG), { texts: [{ name: 'a', from: 'task-runs/run/input/a' }] }],
    [
      'a truncated text is downloaded',
      { ...common, type: 'STRING', value: 'b…', truncated: true },
      { texts: [{ name: 'a', from: 'task-runs/run/input/a' }] },
    ],
    [
      'a short array is part of it',
      anArray('ARRAY', [inner(0, 'INTEGER', [{ index: 0, value: 1 }]), inner(1, 'INTEGER', [])]),
      { plain: [{ parameterName: 'a', value: [[1], []] }] },
    ],
    [
      'an array with gaps keeps the indexes of its items',
      anArray('INTEGER', [
        { index: 1, value: 5 },
        { index: 4, value: 6 },
      ]),
      {
        plain: [
          {
            parameterName: 'a',
            value: [
              { index: 1, value: 5 },
              { index: 4, value: 6 },
            ],
          },
        ],
      },
    ],
    ['a long array is read from the run', anArray('STRING', [{ index: 0, value: LONG }]), { arrays: ['a'] }],
    [
      'an array with a truncated item is read from the run',
      anArray('ARRAY', [inner(0, 'STRING', [{ index: 0, value: 'b…', truncated: true }])]),
      { arrays: ['a'] },
    ],
    [
      'files of nested arrays are downloaded each, and empty arrays are kept',
      anArray('ARRAY', [inner(0, 'FILE', [{ index: 0 }, { index: 2 }]), inner(1, 'FILE', [])]),
      {
        files: [
          { name: 'a', index: '0/0', from: 'task-runs/run/input/a/indexes?value=0/0' },
          { name: 'a', index: '0/2', from: 'task-runs/run/input/a/indexes?value=0/2' },
        ],
        empty: [{ name: 'a', index: '1' }],
      },
    ],
    [
      'an array without files is part of it',
      anArray('FILE', []),
      { plain: [{ parameterName: 'a', value: [] }] },
    ],
  ])('%s', (_, value, given) => {
    expect(givenBy('run', [value])).toEqual({ ...NOTHING, ...given })
  })

  it('never make it longer than a page can show', () => {
    const outline = JSON.stringify({ type: 'Point', coordinates: [1, 2] })
    const outlines = Array.from({ length: 100_000 }, (_, index) => ({ index, value: outline }))
    const task = { namespace: 'org.example', version: '1.0.0' }

    const programs = programsOf({ base: 'http://localhost/', runId: 'run', task }, [
      anArray('GEOMETRY', outlines),
    ])

    for (const text of Object.values(programs)) expect(text.length).toBeLessThan(5000)
  })
})
