import { describe, expect, it } from 'vitest'
import { missingInputs } from '../../../src/inputs/completeness.ts'
import type { Provision } from '../../../src/run/run.ts'
import type { ArrayType } from '../../../src/task/parameters/array.ts'
import type { TaskInput } from '../../../src/task/task.ts'
import { anInput } from '../../fixtures/builders.ts'

const ARRAY: ArrayType = { id: 'array', allowMissing: false, minSize: 2, subType: { id: 'image' } }
const STORED: Provision = { kind: 'value', valueId: 'v' }
const CLEARED: Provision = { kind: 'cleared' }
const item: Provision = { kind: 'value', valueId: 'v', base: 'none' }

describe('missing inputs', () => {
  it.each<[string, Partial<TaskInput>, Readonly<Record<string, Provision>>, boolean]>([
    ['a required one without a value', {}, {}, true],
    ['a required one with a value', {}, { a: STORED }, false],
    ['a required image without a value', { type: { id: 'image' } }, {}, true],
    ['a required image with a value', { type: { id: 'image' } }, { a: STORED }, false],
    ['an untouched optional one', { optional: true }, {}, false],
    ['a cleared optional one', { optional: true }, { a: CLEARED }, false],
    ['an untouched one with a default', { default: 5 }, {}, false],
    ['an untouched required array', { type: ARRAY }, {}, true],
    ['an untouched optional array', { type: ARRAY, optional: true }, {}, false],
    ['a cleared optional array', { type: ARRAY, optional: true }, { a: CLEARED }, false],
    ['an array that was provisioned as a whole', { type: ARRAY }, { a: { ...STORED, size: 2 } }, false],
    ['a required array with too few items', { type: ARRAY }, { 'a/0': item }, true],
    ['an optional array with too few items', { type: ARRAY, optional: true }, { 'a/0': item }, true],
    ['an array with all items', { type: ARRAY }, { 'a/1': item, 'a/0': item }, false],
    ['an array with a default, which arrays do not have', { type: ARRAY, default: [1, 2] }, {}, true],
  ])('are determined for %s: %o', (_, input, provisions, isMissing) => {
    const inputs = [anInput({ name: 'a', ...input })]

    expect(missingInputs({ inputs }, { provisions })).toEqual(isMissing ? ['a'] : [])
  })

  it('are listed by name, in the order of the descriptor', () => {
    const inputs = [anInput({ name: 'c' }), anInput({ name: 'b' }), anInput({ name: 'a' })]

    expect(missingInputs({ inputs }, { provisions: { b: STORED } })).toEqual(['c', 'a'])
  })
})
