import { describe, expect, it } from 'vitest'
import { areValidAreas } from '../../../../src/task/parameters/areas.ts'
import { closed, diamond, type Polygons, rectangle, star } from '../../../fixtures/areas.ts'

describe('the check of areas', () => {
  const CHAIN = [diamond(2, 2, 1), diamond(4, 2, 1), diamond(4, 4, 1)]
  it.each<[string, boolean, Polygons]>([
    ['holes that touch in a row', true, [[rectangle(0, 0, 8, 8), ...CHAIN]]],
    ['holes that touch in a circle', false, [[rectangle(0, 0, 8, 8), ...CHAIN, diamond(2, 4, 1)]]],
    ['a hole that touches the shell once', true, [[rectangle(0, 0, 8, 8), diamond(4, 1, 1)]]],
    ['a hole that cuts the shell in two', false, [[rectangle(0, 0, 8, 8), diamond(4, 4, 4)]]],
    ['a hole that touches from outside', false, [[rectangle(0, 0, 8, 8), diamond(4, -1, 1)]]],
    ['a hole in a hole', false, [[rectangle(0, 0, 8, 8), diamond(4, 4, 3), diamond(4, 4, 1)]]],
    ['a hole given twice', false, [[rectangle(0, 0, 8, 8), diamond(4, 4, 1), diamond(4, 4, 1)]]],
    ['an island in a hole', true, [[rectangle(0, 0, 8, 8), diamond(4, 4, 3)], [diamond(4, 4, 1)]]],
    [
      'an island whose corners all touch the hole',
      true,
      [[rectangle(0, 0, 8, 8), rectangle(2, 2, 4, 4)], [diamond(4, 4, 2)]],
    ],
    ['an island beside the hole', false, [[rectangle(0, 0, 8, 8), diamond(2, 2, 1)], [diamond(5, 5, 1)]]],
    ['parts that share an edge', false, [[rectangle(0, 0, 2, 2)], [rectangle(2, 0, 2, 2)]]],
    ['parts that touch in two corners', true, [[diamond(2, 2, 2)], [rectangle(3, 3, 2, 2)]]],
    [
      'a ring that touches itself',
      false,
      [
        [
          [
            [0, 0],
            [4, 0],
            [4, 4],
            [2, 0],
            [0, 4],
            [0, 0],
          ],
        ],
      ],
    ],
    [
      'repeated positions',
      true,
      [
        [
          [
            [0, 0],
            [4, 0],
            [4, 0],
            [4, 4],
            [0, 0],
          ],
        ],
      ],
    ],
    [
      'numbers that are as good as 0',
      true,
      [
        [
          [
            [1e-200, 0],
            [4, -1e-300],
            [4, 4],
            [1e-200, 0],
          ],
        ],
      ],
    ],
    [
      'numbers whose products overflow',
      true,
      [
        [
          [
            [0, 0],
            [1.7e308, 0],
            [0, 1.7e308],
            [0, 0],
          ],
        ],
      ],
    ],
    [
      'a bow tie of numbers whose products overflow',
      false,
      [
        [
          closed([
            [0, 0],
            [1e200, 1e200],
            [1e200, 0],
            [0, 1e200],
          ]),
        ],
      ],
    ],
    [
      'a spike',
      false,
      [
        [
          closed([
            [0, 0],
            [4, 0],
            [6, 0],
            [4, 0],
            [4, 4],
          ]),
        ],
      ],
    ],
    [
      'a ring of two places',
      false,
      [
        [
          [
            [0, 0],
            [1, 1],
            [1, 1],
            [0, 0],
          ],
        ],
      ],
    ],
    [
      'a ring without an area',
      false,
      [
        [
          closed([
            [0, 0],
            [1, 1],
            [2, 2],
          ]),
        ],
      ],
    ],
    [
      'four parts that touch in one place',
      true,
      [
        [diamond(1, 0, 1)],
        [diamond(-1, 0, 1)],
        [
          closed([
            [0, 0],
            [1, 9],
            [-1, 9],
          ]),
        ],
        [
          closed([
            [0, 0],
            [1, -9],
            [-1, -9],
          ]),
        ],
      ],
    ],
    [
      'two parts that cross in a corner of both',
      false,
      [
        [
          closed([
            [-2, -1],
            [0, 0],
            [2, 1],
            [0, 5],
          ]),
        ],
        [
          closed([
            [-2, 1],
            [0, 0],
            [2, -1],
            [0, 6],
          ]),
        ],
      ],
    ],
    ['two parts that share a piece of an edge', false, [[rectangle(0, 0, 2, 2)], [rectangle(1, 2, 4, 4)]]],
    [
      'a hole around its shell, within the hole of another part',
      false,
      [
        [rectangle(0, 0, 9, 9), rectangle(1, 1, 7, 7)],
        [rectangle(2, 2, 5, 5), rectangle(0.5, 0.5, 8, 8)],
      ],
    ],
    [
      'an island in a hole of an island',
      true,
      [
        [rectangle(0, 0, 9, 9), rectangle(1, 1, 7, 7)],
        [rectangle(2, 2, 5, 5), rectangle(3, 3, 3, 3)],
        [rectangle(4, 4, 1, 1)],
      ],
    ],
    [
      'holes that touch in a circle over the shell',
      false,
      [[rectangle(0, 0, 8, 8), diamond(1, 4, 1), diamond(3, 4, 1), diamond(5, 4, 1), diamond(7, 4, 1)]],
    ],
  ])('of %s returns %s', (_, isValid, polygons) => {
    expect(areValidAreas(polygons)).toBe(isValid)
  })

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
  ])('of %s returns %s beyond 5000 positions too', (_, isValid, polygons) => {
    expect(areValidAreas(polygons)).toBe(isValid)
  })
})
