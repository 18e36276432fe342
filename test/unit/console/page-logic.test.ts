import { describe, expect, it } from 'vitest'
import { plainText } from '../../../console/src/pages/run/plain-text.ts'
import { parsePasted } from '../../../console/src/pages/task/paste.ts'
import { scanSummary } from '../../../console/src/pages/task/scan-summary.ts'
import { cureOf, linksOf } from '../../../console/src/ui/cures.ts'
import { KIND, shapeAt, shapesOf } from '../../../console/src/viewer/shapes.ts'
import { RUN_FAILURE_KINDS } from '../../../src/contract/run-failure-kinds.ts'

describe('a failed run in the console', () => {
  it.each(RUN_FAILURE_KINDS)('has an explanation for %s', (kind) => {
    expect(cureOf(kind).what).not.toBe(cureOf('a kind of the future').what)
  })

  it.each(['task-failed', 'out-of-memory'] as const)(
    'links to the rejected outputs of a task with %s, if the task ran',
    (kind) => {
      expect(linksOf({ kind, exitCode: 137 })).toContain('rejected')
      expect(linksOf({ kind })).not.toContain('rejected')
    },
  )
})

describe('the scan of an image in the console', () => {
  const NONE = { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0, INFORMATIONAL: 0, UNDEFINED: 0 }

  it.each([
    ['asks for another image', { ...NONE, HIGH: 2, LOW: 3 }, true, ['High 2', 'Low 3']],
    ['does not for less severe findings', { ...NONE, MEDIUM: 1 }, false, ['Medium 1']],
  ])('%s', (_, counts, isBad, shown) => {
    const summary = scanSummary({ state: 'complete', message: 'the image was scanned', counts })

    expect(summary).toMatchObject({ words: 'The image was scanned.', isBad })
    expect(summary.counts.map(({ severity, count }) => `${severity} ${count}`)).toEqual(shown)
  })

  it('reports that no vulnerability is known', () => {
    const scan = { state: 'complete', message: 'the image was scanned', counts: NONE } as const

    expect(scanSummary(scan)).toEqual({ words: 'No known vulnerabilities.', isBad: false, counts: [] })
  })

  it.each([
    ['not-offered', false],
    ['failed', true],
  ] as const)('shows the message of the state %s', (state, isBad) => {
    const words = 'This registry scans no images.'

    expect(scanSummary({ state, message: 'this registry scans no images' })).toEqual({
      words,
      isBad,
      counts: [],
    })
  })
})

describe('a log in the console', () => {
  it.each([
    ['has no colours', '\u001b[1;31mred\u001b[0m', 'red'],
    ['shows other control sequences', '\u001b[2J\u0007', '␛[2J␇'],
    ['shows the last state of progress bars', 'loading 1 %\rloading 99 %\ndone', 'loading 99 %\ndone'],
    ['does not reverse text', 'a\u202eb', 'a�b'],
    ['accepts line ends of Windows', 'a\r\nb', 'a\nb'],
    ['keeps a line whose end is rewritten later', 'a\nloading 1 %\r\r', 'a\nloading 1 %'],
    ['shows a carriage return at the start of a line as nothing', '\rb\n\r\nc', 'b\n\nc'],
  ])('%s', (_, printed, shown) => {
    expect(plainText(printed)).toBe(shown)
  })

  // Quadratic time would exceed the test's time limit.
  it.each([
    ['a long line', 'x'.repeat(1_000_000), 'x'.repeat(1_000_000)],
    ['a progress bar', '#\r'.repeat(500_000), '#'],
    ['the beginning of a colour', `\u001b[${'1;'.repeat(500_000)}`, `␛[${'1;'.repeat(500_000)}`],
  ])('may have %s of 1 MB', (_, printed, shown) => {
    expect(plainText(`first\n${printed}\nlast`) === `first\n${shown}\nlast`).toBe(true)
  })
})

describe('pasted items', () => {
  const numbers = {
    id: 'array',
    subType: { id: 'number', infinityAllowed: false, nanAllowed: false },
  } as const
  const texts = { id: 'array', subType: { id: 'string', minLength: 0 } } as const

  it.each([
    [numbers, '[1, 2.5]', ['1', '2.5']],
    [numbers, '1, 2\n3', ['1', '2', '3']],
    [numbers, '1;2', ['1', '2']],
    [texts, '"a, ""b""",c', ['a, "b"', 'c']],
    [{ id: 'array', subType: numbers } as const, '[[1], [2, 3]]', [['1'], ['2', '3']]],
  ])('of type %j are read from %s', (type, text, items) => {
    expect(parsePasted(type, text)).toEqual(items)
  })

  it('have a message for invalid JSON', () => {
    expect(parsePasted(numbers, '[1,')).toHaveProperty('problem')
  })
})

describe('geometries in the console', () => {
  const square = (left: number, side: number): string =>
    JSON.stringify({
      type: 'Polygon',
      coordinates: [
        [
          [left, 0],
          [left + side, 0],
          [left + side, side],
          [left, side],
          [left, 0],
        ],
      ],
    })

  it('have a box, an area and a label each', () => {
    const shapes = shapesOf([
      { label: '0', text: square(0, 10) },
      {
        label: '1',
        text: '{"type":"Feature","geometry":{"type":"Point","coordinates":[5,5]},"properties":{"subType":"Circle","radius":2}}',
      },
      { label: '2', text: 'no GeoJSON' },
    ])

    expect([shapes.count, [...shapes.labels], [...shapes.kinds]]).toEqual([
      2,
      ['0', '1'],
      [KIND.area, KIND.circle],
    ])
    expect([...shapes.boxes]).toEqual([0, 0, 10, 10, 3, 3, 7, 7])
    expect(shapes.areas[0]).toBe(100)
  })

  it('are found at a position, the smallest first, and not inside their holes', () => {
    const ring = JSON.parse(square(0, 100)) as { coordinates: number[][][] }
    ring.coordinates.push([
      [40, 40],
      [60, 40],
      [60, 60],
      [40, 60],
      [40, 40],
    ])
    const shapes = shapesOf([
      { label: 'large', text: JSON.stringify(ring) },
      { label: 'small', text: square(10, 20) },
    ])

    expect(shapeAt(shapes, 15, 10, 0)).toBe(1)
    expect(shapeAt(shapes, 5, 80, 0)).toBe(0)
    expect(shapeAt(shapes, 50, 50, 0)).toBeUndefined()
  })
})
