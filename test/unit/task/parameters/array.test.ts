import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DomainError } from '../../../../src/contract/errors.ts'
import type { JsonValue } from '../../../../src/contract/json.ts'
import {
  type ArrayType,
  isComplete,
  parseIndexPath,
  provisionArray,
} from '../../../../src/task/parameters/array.ts'
import { listArrayItems } from '../../../../src/task/parameters/array-folder.ts'
import { codecOf } from '../../../../src/task/parameters/registry.ts'
import type { ParameterType } from '../../../../src/task/task.ts'
import { refusalOf } from './codec-calls.ts'

function arrayOf(subType: ParameterType, bounds: Partial<ArrayType> = {}): ArrayType {
  return { id: 'array', allowMissing: false, subType, ...bounds }
}

const INTEGERS = arrayOf({ id: 'integer' })
const NESTED = arrayOf(INTEGERS)
const WITH_GAPS = arrayOf({ id: 'integer' }, { allowMissing: true })

const provisioned = (value: JsonValue, type: ArrayType = INTEGERS) => provisionArray(value, type, 'p')
const filesOf = (value: JsonValue, type: ArrayType = INTEGERS) =>
  Object.fromEntries(provisioned(value, type).files.map(({ path, text }) => [path, text]))

/** Texts of the indexes from `first` to before `end`. */
const indexes = (first: number, end: number): readonly string[] =>
  Array.from({ length: end - first }, (_, index) => String(first + index))

/** Words that explain the refusal of a call; empty when it is accepted. */
function refusalWords(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    return error instanceof DomainError ? (error.words ?? '') : ''
  }
  return ''
}

type Item = Readonly<Record<string, JsonValue>>

/** The listing of a folder with these files. */
async function listed(
  files: Readonly<Record<string, string>>,
  type: ArrayType = INTEGERS,
): Promise<readonly Item[]> {
  const pieces = listArrayItems(
    {
      taskRunId: 'run',
      parameterName: 'p',
      folder: { paths: Object.keys(files), text: async (path) => files[path] ?? '' },
      leaf: async (path, leafType) => {
        const value = codecOf(leafType)?.readOutput(files[path] ?? '', leafType, 'p')
        return value === undefined ? undefined : { value }
      },
    },
    type,
  )
  let json = ''
  for await (const piece of pieces) json += piece
  return JSON.parse(json) as readonly Item[]
}

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof DomainError ? error.error : error),
  )

describe('a whole array', () => {
  it('is stored as a folder with one file for each item', () => {
    expect(provisioned([5, 6])).toEqual({
      files: [
        { path: 'array.yml', text: 'size: 2' },
        { path: '0', text: '5' },
        { path: '1', text: '6' },
      ],
      indexes: [0, 1],
    })
  })

  it('of arrays is stored as folders in a folder', () => {
    expect(filesOf([[1], []], NESTED)).toEqual({
      'array.yml': 'size: 2',
      '0/array.yml': 'size: 1',
      '0/0': '1',
      '1/array.yml': 'size: 0',
    })
  })

  it('may be empty', () => {
    expect(provisioned([])).toEqual({ files: [{ path: 'array.yml', text: 'size: 0' }], indexes: [] })
  })

  it('may have explicit indexes in any order, at each level', () => {
    const value = [
      { index: 1, value: [7] },
      { index: 0, value: [{ index: 0, value: 5 }] },
    ]

    expect(filesOf(value, NESTED)).toMatchObject({ '0/0': '5', '1/0': '7' })
  })

  it('keeps its size when it has gaps, where they are allowed', () => {
    const value = [
      { index: 3, value: 1 },
      { index: 0, value: 2 },
    ]

    expect(provisioned(value, WITH_GAPS)).toMatchObject({ indexes: [0, 3] })
    expect(filesOf(value, WITH_GAPS)['array.yml']).toBe('size: 4')
  })

  it.each<[string, JsonValue, ArrayType, string]>([
    ['a number', 5, INTEGERS, 'INTERNAL_WRONG_PROVISION_STRUCTURE'],
    ['a text', '[1]', INTEGERS, 'INTERNAL_WRONG_PROVISION_STRUCTURE'],
    ['an object', { index: 0, value: 1 }, INTEGERS, 'INTERNAL_WRONG_PROVISION_STRUCTURE'],
    ['null', null, INTEGERS, 'INTERNAL_WRONG_PROVISION_STRUCTURE'],
    ['a leaf in place of a list', [1], NESTED, 'INTERNAL_WRONG_PROVISION_STRUCTURE'],
    ['a list in place of a leaf', [[1]], INTEGERS, 'INTERNAL_WRONG_PROVISION_STRUCTURE'],
    ['an index twice', items([0, 1], [0, 2]), INTEGERS, 'INTERNAL_WRONG_PROVISION_STRUCTURE'],
    ['a negative index', items([-1, 1]), INTEGERS, 'INTERNAL_WRONG_PROVISION_STRUCTURE'],
    ['a fractional index', items([0.5, 1]), INTEGERS, 'INTERNAL_WRONG_PROVISION_STRUCTURE'],
    ['an index with a leading zero', items(['00', 1]), INTEGERS, 'INTERNAL_WRONG_PROVISION_STRUCTURE'],
    [
      'an index that is too large for a number',
      items([2 ** 53, 1]),
      WITH_GAPS,
      'INTERNAL_WRONG_PROVISION_STRUCTURE',
    ],
    ['no value with the index', [{ index: 0 }], INTEGERS, 'INTERNAL_WRONG_PROVISION_STRUCTURE'],
    [
      'indexes for some items only',
      [{ index: 0, value: 1 }, 2],
      INTEGERS,
      'INTERNAL_WRONG_PROVISION_STRUCTURE',
    ],
    ['a gap', items([0, 1], [2, 1]), INTEGERS, 'INTERNAL_INVALID_COLLECTION_DIMENSIONS'],
    ['a huge index', items([1e15, 1]), INTEGERS, 'INTERNAL_INVALID_COLLECTION_DIMENSIONS'],
    ['too few items', [1], { ...INTEGERS, minSize: 2 }, 'INTERNAL_INVALID_COLLECTION_DIMENSIONS'],
    ['too many items', [1, 2], { ...INTEGERS, maxSize: 1 }, 'INTERNAL_INVALID_COLLECTION_DIMENSIONS'],
    [
      'an index beyond the largest size',
      items([7, 1]),
      { ...WITH_GAPS, maxSize: 2 },
      'INTERNAL_INVALID_COLLECTION_DIMENSIONS',
    ],
    [
      'too many items in an inner list',
      [[1], [1, 2]],
      arrayOf({ ...INTEGERS, maxSize: 1 }),
      'INTERNAL_INVALID_COLLECTION_DIMENSIONS',
    ],
    ['an item of another type', [1, 'two'], INTEGERS, 'INTERNAL_PARAMETER_TYPE_ERROR'],
    ['null for a number', [null], INTEGERS, 'INTERNAL_NULL_PROVISION'],
    ['null for a time', [null], arrayOf({ id: 'datetime' }), 'INTERNAL_PARAMETER_TYPE_ERROR'],
    ['an image in JSON', ['/tmp/image'], arrayOf({ id: 'image' }), 'INTERNAL_PARAMETER_TYPE_ERROR'],
    ['a file in JSON', ['x'], arrayOf({ id: 'file' }), 'INTERNAL_PARAMETER_TYPE_ERROR'],
    [
      'a word outside the enumeration',
      ['c'],
      arrayOf({ id: 'enumeration', values: ['a'] }),
      'INTERNAL_PARAMETER_VALIDATION_ERROR',
    ],
  ])('is refused for %s', (_, value, type, error) => {
    expect(refusalOf(() => provisioned(value, type))).toBe(error)
  })

  it('is refused for its size before its items are checked', () => {
    const value = Array.from({ length: 200_000 }, () => 'no number')

    const refused = refusalOf(() => provisioned(value, { ...INTEGERS, maxSize: 10 }))

    expect(refused).toBe('INTERNAL_INVALID_COLLECTION_DIMENSIONS')
  })

  it.each([300, 20_000])('is refused for %i invalid items with the first 100 named', (count) => {
    const value = Array.from({ length: count }, () => 'x')

    const refused = refusalWords(() => provisioned(value))

    const [explained = '', named] = refused.split(' Also items ')
    expect(explained).toMatch(new RegExp(`^${count} items are invalid\\. Item 0: "x" .*integer`, 'u'))
    expect([...explained.matchAll(/Item (\d+):/gu)].map(([, index]) => index)).toEqual(indexes(0, 10))
    expect(named).toBe(`${indexes(10, 100).join(', ')}, … (the first 100 are listed)`)
  })

  it('is refused for invalid items at any level, all of which are counted', () => {
    const value = Array.from({ length: 30 }, () => Array.from({ length: 10 }, () => 'x'))

    expect(refusalWords(() => provisioned(value, NESTED))).toMatch(/^300 items are invalid\. Item 0\/0: "x"/u)
  })

  it('is read from its folder unchanged, whether provisioned as a list or with indexes', async () => {
    const depths = [arrayOf({ id: 'integer' }), arrayOf(arrayOf({ id: 'integer' }))] as const
    const lists = [
      fc.array(fc.integer(), { maxLength: 20 }),
      fc.array(fc.array(fc.integer(), { maxLength: 5 }), { maxLength: 5 }),
    ] as const
    for (const depth of [0, 1] as const) {
      await fc.assert(
        fc.asyncProperty(lists[depth], fc.boolean(), async (list, isIndexed) => {
          const value: JsonValue = isIndexed
            ? list.map((one, index) => ({ index, value: one })).toReversed()
            : list

          const items = await listed(filesOf(value, depths[depth]), depths[depth])

          expect(items.map(plain)).toEqual(list)
        }),
        { numRuns: 60 },
      )
    }
  })

  it('is read with its gaps', async () => {
    const gapped = fc.uniqueArray(fc.nat(1e15), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(gapped, async (indexes) => {
        const value = indexes.map((index) => ({ index, value: index % 7 }))

        const read = await listed(filesOf(value, WITH_GAPS), WITH_GAPS)

        expect(read).toEqual(value.toSorted((a, b) => a.index - b.index))
      }),
      { numRuns: 60 },
    )
  })
})

describe('a folder with an array', () => {
  it.each([
    ['as the reference writes it', 'size: 1'],
    ['with a newline', 'size: 1\n'],
    ['with Windows line ends', 'size: 1\r\n'],
    ['with a byte order mark', '\uFEFFsize: 1'],
    ['in flow style', '{size: 1}'],
    ['in flow style beside other keys', '{"kind": "x", "size": 1}'],
    ['as JSON', '{"size": 1}'],
    ['with a quoted key', '"size": 1'],
    ['with a quoted number', "size: '1'"],
    ['among comments', '# how many\nsize: 1 # one\n'],
    ['after a document marker', '---\nsize: 1\n'],
    ['among other keys', 'name: x\nsize: 1\nmore:\n  size: 3\n'],
  ])('may have an array.yml %s', async (_, text) => {
    expect(await listed({ 'array.yml': text, '0': '5' })).toEqual([{ index: 0, value: 5 }])
  })

  it.each([
    ['has no array.yml', { '0': '5' }, 'INTERNAL_MISSING_METADATA'],
    ['is empty', {}, 'INTERNAL_MISSING_METADATA'],
    ['has an empty array.yml', { 'array.yml': ' \n' }, 'INTERNAL_MISSING_METADATA'],
    ['has one that is not YAML', { 'array.yml': 'size: [1' }, 'INTERNAL_INVALID_METADATA'],
    [
      'has one that is nested without an end',
      { 'array.yml': '['.repeat(50_000) },
      'INTERNAL_INVALID_METADATA',
    ],
    ['has one without size', { 'array.yml': 'length: 1', '0': '5' }, 'INTERNAL_INVALID_METADATA'],
    [
      'has one with a size elsewhere',
      { 'array.yml': 'x:\n  size: 1', '0': '5' },
      'INTERNAL_INVALID_METADATA',
    ],
    ['has one that is a number', { 'array.yml': '1', '0': '5' }, 'INTERNAL_INVALID_METADATA'],
    ['has two sizes', { 'array.yml': 'size: 1\nsize: 1', '0': '5' }, 'INTERNAL_INVALID_METADATA'],
    ['has a negative size', { 'array.yml': 'size: -1' }, 'INTERNAL_INVALID_METADATA'],
    ['has a fractional size', { 'array.yml': 'size: 1.5', '0': '5' }, 'INTERNAL_INVALID_METADATA'],
    ['has a size that is not a number', { 'array.yml': 'size: one', '0': '5' }, 'INTERNAL_INVALID_METADATA'],
    ['has fewer items', { 'array.yml': 'size: 2', '0': '5' }, 'INTERNAL_INVALID_METADATA'],
    ['has more items', { 'array.yml': 'size: 0', '0': '5' }, 'INTERNAL_INVALID_METADATA'],
    ['has a gap', { 'array.yml': 'size: 2', '0': '5', '2': '5' }, 'INTERNAL_INVALID_METADATA'],
    [
      'has a folder for a leaf',
      { 'array.yml': 'size: 1', '0/x': '5' },
      'INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_DIRECTORY',
    ],
    ['has a blank item', { 'array.yml': 'size: 1', '0': ' ' }, 'INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_BLANK'],
    ['has an item of another type', { 'array.yml': 'size: 1', '0': 'x' }, 'INTERNAL_PARAMETER_TYPE_ERROR'],
  ])('is refused when it %s', async (_, files, error) => {
    expect(await refusal(listed(files as Record<string, string>))).toBe(error)
  })

  it('ignores names that are not indexes', async () => {
    const files = {
      'array.yml': 'size: 1',
      '0': '5',
      '00': 'x',
      '1.geojson': '{}',
      '.DS_Store': '',
      '-1': 'x',
      'a/0': 'x',
    }

    expect(await listed(files)).toEqual([{ index: 0, value: 5 }])
  })

  it('is listed by index, not by name', async () => {
    const files = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [String(index), String(index)]))

    const items = await listed({ 'array.yml': 'size: 12', ...files })

    expect(items.map(({ value }) => value)).toEqual(Array.from({ length: 12 }, (_, index) => index))
  })

  it('is checked against the bounds at each level', async () => {
    const inner = { 'array.yml': 'size: 1', '0/array.yml': 'size: 2', '0/0': '1', '0/1': '2' }

    expect(await refusal(listed({ 'array.yml': 'size: 0' }, { ...INTEGERS, minSize: 1 }))).toBe(
      'INTERNAL_INVALID_COLLECTION_DIMENSIONS',
    )
    expect(await refusal(listed(inner, arrayOf({ ...INTEGERS, maxSize: 1 })))).toBe(
      'INTERNAL_INVALID_COLLECTION_DIMENSIONS',
    )
  })

  it('is refused with the index of the invalid item', async () => {
    const files = { 'array.yml': 'size: 1', '0/array.yml': 'size: 1', '0/0': 'x' }

    await expect(listed(files, NESTED)).rejects.toMatchObject({
      message:
        'invalid parameter type: "p", item 0/0: "x" is not an integer; expected a whole number within ±(2^53 - 1), such as 5',
      details: { type: 'parameter', parameterName: 'p' },
    })
  })

  it('is listed with nested arrays as array objects', async () => {
    const files = { 'array.yml': 'size: 1', '0/array.yml': 'size: 1', '0/0': '4' }

    expect(await listed(files, NESTED)).toEqual([
      {
        index: 0,
        taskRunId: 'run',
        parameterName: 'p/0',
        type: 'ARRAY',
        value: [{ index: 0, value: 4 }],
        subType: 'INTEGER',
      },
    ])
  })

  it('must have a folder for each sub-array', async () => {
    expect(await refusal(listed({ 'array.yml': 'size: 1', '0': '4' }, NESTED))).toBe(
      'INTERNAL_MISSING_METADATA',
    )
  })

  it('is listed without values of images, including DICOM folders', async () => {
    const files = { 'array.yml': 'size: 2', '0': 'x', '0.geojson': '{}', '1/a.dcm': 'x', '1/2': 'x' }

    expect(await listed(files, arrayOf({ id: 'image' }))).toEqual([{ index: 0 }, { index: 1 }])
  })

  it('may lack items where that is allowed, but not have more than its size', async () => {
    expect(await listed({ 'array.yml': 'size: 9', '7': '1' }, WITH_GAPS)).toEqual([{ index: 7, value: 1 }])
    expect(await refusal(listed({ 'array.yml': 'size: 7', '7': '1' }, WITH_GAPS))).toBe(
      'INTERNAL_INVALID_METADATA',
    )
    expect(await refusal(listed({ 'array.yml': 'size: 9', '99999999999999999999999': '1' }, WITH_GAPS))).toBe(
      'INTERNAL_INVALID_METADATA',
    )
  })
})

describe('an index path', () => {
  it.each([
    ['0', [0]],
    ['12', [12]],
    ['2/0', [2, 0]],
    ['0/10/3', [0, 10, 3]],
    // The contract's pattern forbids leading zeros only in the outermost index.
    ['2/007', [2, 7]],
  ])('is accepted: %s', (text, path) => {
    expect(parseIndexPath(text)).toEqual(path)
  })

  it.each([
    '',
    '00',
    '007',
    '-1',
    '1/',
    '/1',
    '1//2',
    'a',
    '1.5',
    '1e3',
    ' 1',
    '1\n',
    '9'.repeat(20),
    '../1',
  ])('is refused: %j', (text) => {
    expect(parseIndexPath(text)).toBeUndefined()
  })
})

describe('the check of indexes for gaps', () => {
  it('is correct for 300 000 indexes', () => {
    const many = new Set(Array.from({ length: 300_000 }, (_, index) => index))

    expect(isComplete(many, INTEGERS)).toBe(true)
    expect(isComplete(many.add(400_000), INTEGERS)).toBe(false)
  })
})

function items(...pairs: readonly (readonly [JsonValue, JsonValue])[]): JsonValue {
  return pairs.map(([index, value]) => ({ index, value }))
}

function plain({ value }: Readonly<Record<string, JsonValue>>): JsonValue {
  return Array.isArray(value)
    ? value.map((one) => plain(one as Readonly<Record<string, JsonValue>>))
    : (value ?? null)
}
