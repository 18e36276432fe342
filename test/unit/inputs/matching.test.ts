import { describe, expect, it } from 'vitest'
import { matchingProblems } from '../../../src/inputs/matching.ts'

const GROUP = ['inputs/a', 'inputs/b', 'outputs/c']

function problems(
  indexes: Readonly<Record<string, readonly number[] | undefined>>,
  isDecided: (reference: string) => boolean = () => true,
) {
  const found = matchingProblems({ matchingGroups: [GROUP] }, isDecided, (reference) => {
    const known = indexes[reference]
    return known === undefined ? undefined : new Set(known)
  })
  return found.map(({ error, details }) => [error, 'parameterName' in details && details.parameterName])
}

describe('arrays that must match', () => {
  it.each([
    ['have the same indexes', { 'inputs/a': [0, 1], 'inputs/b': [1, 0], 'outputs/c': [0, 1] }],
    ['have the same gaps', { 'inputs/a': [0, 7], 'inputs/b': [0, 7], 'outputs/c': [7, 0] }],
    ['are all empty', { 'inputs/a': [], 'inputs/b': [], 'outputs/c': [] }],
    ['are absent or empty', { 'inputs/a': [], 'outputs/c': [] }],
    ['are all absent', {}],
  ])('match when they %s', (_, indexes) => {
    expect(problems(indexes)).toEqual([])
  })

  it('are reported when their sizes differ, in order', () => {
    expect(problems({ 'inputs/a': [0], 'inputs/b': [0, 1], 'outputs/c': [] })).toEqual([
      ['INTERNAL_NOT_MATCHING_DIFF_SIZE', 'b'],
      ['INTERNAL_NOT_MATCHING_DIFF_SIZE', 'c'],
    ])
  })

  it('are reported when their indexes differ although their sizes are equal', () => {
    expect(problems({ 'inputs/a': [0, 1], 'inputs/b': [0, 2], 'outputs/c': [0, 1] })).toEqual([
      ['INTERNAL_NOT_MATCHING_NOT_ALIGNED_INDEXES', 'b'],
    ])
  })

  it('are reported when one is absent and another has items', () => {
    expect(problems({ 'inputs/a': [0], 'outputs/c': [0] })).toEqual([
      ['INTERNAL_NOT_MATCHING_DIFF_SIZE', 'b'],
    ])
  })

  it('are compared only where their values are known', () => {
    const isInput = (reference: string): boolean => reference.startsWith('inputs/')

    expect(problems({ 'inputs/a': [0], 'inputs/b': [0] }, isInput)).toEqual([])
    expect(problems({ 'inputs/a': [0] }, () => false)).toEqual([])
  })
})
