import { describe, expect, it } from 'vitest'
import { createTaskCache } from '../../../src/task/task-cache.ts'
import { aTask } from '../../fixtures/builders.ts'

const [A, B, C] = ['a', 'b', 'c'].map((id) => aTask({ id })) as [
  ReturnType<typeof aTask>,
  ReturnType<typeof aTask>,
  ReturnType<typeof aTask>,
]

describe('the cache of tasks', () => {
  it('keeps the most recently used tasks up to its maximum size', () => {
    const cache = createTaskCache(10)
    cache.set(A, 4)
    cache.set(B, 4)
    cache.get('a')

    cache.set(C, 4)

    expect(['a', 'b', 'c'].map((id) => cache.get(id))).toEqual([A, undefined, C])
  })

  it('counts the size of a task once when it is added repeatedly', () => {
    const cache = createTaskCache(10)
    for (let round = 0; round < 5; round += 1) cache.set(A, 4)

    cache.set(B, 6)

    expect([cache.get('a'), cache.get('b')]).toEqual([A, B])
  })

  it('does not cache a task that is larger than the cache', () => {
    const cache = createTaskCache(10)
    cache.set(A, 4)

    cache.set(B, 11)

    expect([cache.get('a'), cache.get('b')]).toEqual([A, undefined])
  })
})
