import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { listOf } from '../../../src/shared/list-of.ts'

const points = listOf(z.object({ x: z.number() }))

describe('a list of items', () => {
  it('has the items as their schema parses them', () => {
    expect(points.parse([{ x: 1, y: 2 }, { x: 3 }])).toEqual([{ x: 1 }, { x: 3 }])
    expect(points.parse([])).toEqual([])
  })

  it('reports only the first invalid item of a million', () => {
    const values = [{ x: 1 }, ...Array.from({ length: 1_000_000 }, () => ({ x: '1' }))]

    const { error } = points.safeParse(values)

    expect(error?.issues.map(({ path }) => path)).toEqual([[1, 'x']])
    expect(error?.issues[0]?.message).toContain('expected number')
  })

  it.each([null, {}, 'text'])('is not %j', (value) => {
    expect(points.safeParse(value).error?.issues).toHaveLength(1)
  })
})
