import { describe, expect, it } from 'vitest'
import { areValidAreas } from '../../../../src/task/parameters/areas.ts'
import { closed, diamond, type Polygons, rectangle } from '../../../fixtures/areas.ts'

describe('the check of areas', () => {
  const CHAIN = [diamond(2, 2, 1), diamond(4, 2, 1), diamond(4, 4, 1)]
  it.each<[string, boolean, Polygons]>([
    ['holes that touch each other in a row', true, [[rectangle(0, 0, 8, 8), ...CHAIN]]],
    ['holes that touch each other in a ring', false, [[rectangle(0, 0, 8, 8), ...CHAIN, diamond(2, 4, 1)]]],
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
      'numbers that count as 0',
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
      'a ring of two positions',
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
      'four parts that touch in one position',
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
    ['two parts that share part of an edge', false, [[rectangle(0, 0, 2, 2)], [rectangle(1, 2, 4, 4)]]],
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
})
