import { describe, expect, it } from 'vitest'
import { areValidAreas } from '../../../../src/task/parameters/areas.ts'
import { diamond, type Polygons, rectangle, star } from '../../../fixtures/areas.ts'

describe('the check of areas', () => {
  const HOLES = Array.from({ length: 400 }, (_, i) =>
    star(10, () => 3, (i % 20) * 8 - 80, Math.floor(i / 20) * 8 - 80),
  )
  it.each<[string, boolean, Polygons]>([
    ['a long outline', true, [[star(20_000, (corner) => 1000 + (corner % 7))]]],
    ['a long shell and many holes', true, [[star(20_000, () => 200), ...HOLES]]],
    ['a hole outside a long shell', false, [[star(20_000, () => 200), ...HOLES, diamond(300, 0, 1)]]],
    ['a hole in one of many holes', false, [[star(20_000, () => 200), ...HOLES, diamond(-80, -80, 1)]]],
    ['many parts', true, HOLES.map((hole) => [hole])],
    ['a part in one of many parts', false, [...HOLES.map((hole) => [hole]), [diamond(72, 72, 1)]]],
    ['many wide and flat parts', true, Array.from({ length: 5000 }, (_, i) => [rectangle(0, i * 2, 1e6, 1)])],
    [
      'many parts that touch in corners',
      true,
      Array.from({ length: 5000 }, (_, i) => [
        rectangle((i % 100) * 2 + (Math.floor(i / 100) % 2), Math.floor(i / 100), 1, 1),
      ]),
    ],
  ])('of %s returns %s, also with more than 5000 positions', (_, isValid, polygons) => {
    expect(areValidAreas(polygons)).toBe(isValid)
  })
})
