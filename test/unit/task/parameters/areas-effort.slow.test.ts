import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createSeededRandom } from '../../../../local/batch/seeded-random.ts'
import { areValidAreas } from '../../../../src/task/parameters/areas.ts'
import type { Position } from '../../../../src/task/parameters/geojson.ts'
import { closed, FAMILIES, type Polygons } from '../../../fixtures/areas.ts'

const SIZE = 2400
/** When the size doubles, n log n operations grow by a factor of 2.2, and n² by a factor of 4. */
const MAX_RATIO = 2.4
/** Operations of sorting, and twice as many of the sweep line. */
const OPERATIONS_PER_STEP = 4

function effortOf(polygons: Polygons): { readonly isValid: boolean; readonly operations: number } {
  const effort = { operations: 0 }
  return { isValid: areValidAreas(polygons, effort), operations: effort.operations }
}

function sizeOf(polygons: Polygons): number {
  return polygons.flat(2).length
}

// The sweep line balances its tree by random priorities, so the number of operations varies by some percent.
beforeEach(() => {
  const random = createSeededRandom(1)
  const spy = vi.spyOn(Math, 'random').mockImplementation(() => random('priorities'))
  return () => spy.mockRestore()
})

describe('the number of operations of the check of areas', () => {
  it.each(FAMILIES)('grows with n log n for %s', (_, family) => {
    const efforts = [SIZE, 2 * SIZE, 4 * SIZE].map((size) => {
      const polygons = family(size)
      return { ...effortOf(polygons), size: sizeOf(polygons) }
    })

    const [one, two, four] = efforts.map(({ operations }) => operations)
    expect(efforts.map(({ isValid }) => isValid)).toEqual([true, true, true])
    expect((two ?? Number.NaN) / (one ?? Number.NaN)).toBeLessThan(MAX_RATIO)
    expect((four ?? Number.NaN) / (two ?? Number.NaN)).toBeLessThan(MAX_RATIO)
    for (const { size, operations } of efforts) {
      expect(operations).toBeLessThan(OPERATIONS_PER_STEP * size * Math.log2(size))
    }
  })

  it('is not larger when a family is invalid at its last point', () => {
    for (const [name, family] of FAMILIES) {
      const valid = family(SIZE)
      const xs = valid.flat(2).map(([x]) => x)
      const far = Math.max(...xs) + 1
      // A bow tie to the right of all other points.
      const bowTie = closed([
        [far, 0],
        [far + 2, 2],
        [far + 2, 0],
        [far, 2],
      ])

      const { isValid, operations } = effortOf([...valid, [bowTie]])

      expect([name, isValid]).toEqual([name, false])
      expect(operations).toBeLessThan(MAX_RATIO * effortOf(valid).operations)
    }
  })

  it('is small enough to find the only crossing of 100 000 edges', () => {
    const positions = Array.from({ length: 100_000 }, (_, corner): Position => {
      const [angle, radius] = [(2 * Math.PI * corner) / 100_000, corner % 2 === 0 ? 1 : 1000]
      return [radius * Math.cos(angle), radius * Math.sin(angle)]
    })
    const [a, b] = [positions[51], positions[53]]
    const crossed = positions.with(51, b ?? [0, 0]).with(53, a ?? [0, 0])

    expect(areValidAreas([[closed(positions)]])).toBe(true)
    expect(areValidAreas([[closed(crossed)]])).toBe(false)
  })
})
