import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { writeFolderZip } from '../../../src/archive/folder-zip/write-folder-zip.ts'
import type { OutputEntry } from '../../../src/contract/staging.ts'
import { readEntry } from '../../../src/inputs/array-inputs.ts'
import { collectOutputs } from '../../../src/outputs/collect-outputs.ts'
import { findOutputItem, listOutputEntries } from '../../../src/outputs/read-outputs.ts'
import { findRunAndTask } from '../../../src/run/find-run.ts'
import type { ArrayType } from '../../../src/task/parameters/array.ts'
import type { ParameterType } from '../../../src/task/task.ts'
import { anInput, anOutput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { aDicom, aPng } from '../../fixtures/images.ts'

const PREFIX = `task-run-outputs-${RUN_ID}/1-1/`
const INTEGERS: ArrayType = { id: 'array', allowMissing: false, subType: { id: 'integer' } }
const NESTED: ArrayType = { ...INTEGERS, subType: INTEGERS }
const IMAGES: ArrayType = { ...INTEGERS, subType: { id: 'image', formats: ['png'] } }

/** Message about an array of `count` items "x": the first 10 with their reasons, and the first 100 by index. */
function invalidItems(count: number): string {
  const reason = '"x" is not an integer; expected a whole number within ±(2^53 - 1), such as 5.'
  const indexes = Array.from({ length: 100 }, (_, index) => index)
  const explained = indexes.slice(0, 10).map((index) => `Item ${index}: ${reason}`)
  const named = `Also items ${indexes.slice(10).join(', ')}, … (the first 100 are listed)`
  return `${count} items are invalid. ${explained.join(' ')} ${named}`
}

type Files = Readonly<Record<string, string | Buffer>>
type Engine = Awaited<ReturnType<typeof anEngine>>

/** An engine with a run whose job has SUCCEEDED with these folders, packed like by the stager. */
async function ended(
  types: Readonly<Record<string, ParameterType>>,
  folders: Readonly<Record<string, Files>>,
  more: Parameters<typeof anEngine>[0] & { readonly others?: readonly OutputEntry[] } = {},
): Promise<Engine> {
  const outputs = Object.entries(types).map(([name, type]) => anOutput({ name, type }))
  const job = { attempt: 1, jobName: 'job', succeededAttempt: 1 }
  const engine = await anEngine({
    task: { ...(more.task ?? aTask()), outputs },
    run: { ...more.run, state: 'RUNNING', job },
  })
  const entries: OutputEntry[] = [...(more.others ?? [])]
  for (const [name, files] of Object.entries(folders)) {
    await engine.objects.put(`${PREFIX}${name}`, await packed(name, files))
    entries.push({ name, kind: 'directory', sizeBytes: 0 })
  }
  await engine.objects.put(`${PREFIX}staged.json`, JSON.stringify({ entries, taskExitCode: 0 }))
  return engine
}

async function packed(folder: string, files: Files): Promise<Buffer> {
  const contents = Object.entries(files).map(([path, content]) => {
    const bytes = Buffer.from(content)
    return { name: `${folder}/${path}`, sizeBytes: bytes.byteLength, bytes }
  })
  return buffer(writeFolderZip(contents, ({ bytes }) => ({ crc32: crc32(bytes), bytes: [bytes] })))
}

async function listing(engine: Engine): Promise<unknown> {
  await collectOutputs(engine, RUN_ID)
  const run = await engine.runs.find(RUN_ID)
  expect(run?.failure?.message).toBeUndefined()
  return JSON.parse(engine.objects.text(`${PREFIX}outputs.json`) ?? '')
}

async function failure(engine: Engine): Promise<string | undefined> {
  await collectOutputs(engine, RUN_ID)
  expect(engine.objects.keys()).not.toContain(`${PREFIX}outputs.json`)
  return (await engine.runs.find(RUN_ID))?.failure?.message
}

const plain = { 'array.yml': 'size: 2', '0': '5\n', '1': ' 6 ' }

describe('collecting an array', () => {
  it('lists items by index, and ignores other files', async () => {
    const engine = await ended(
      { out: INTEGERS },
      { out: { ...plain, notes: 'x', '0.geojson': '{}', '00': 'x' } },
    )

    expect(await listing(engine)).toEqual([
      {
        taskRunId: RUN_ID,
        parameterName: 'out',
        type: 'ARRAY',
        value: [
          { index: 0, value: 5 },
          { index: 1, value: 6 },
        ],
        subType: 'INTEGER',
      },
    ])
  })

  it.each<[string, ArrayType, string]>([
    ['leaves', INTEGERS, 'INTEGER'],
    ['arrays', NESTED, 'ARRAY'],
  ])('without %s lists an empty array', async (_, type, subType) => {
    const engine = await ended({ out: type }, { out: { 'array.yml': 'size: 0\n' } })

    expect(await listing(engine)).toMatchObject([{ value: [], subType }])
  })

  it('of arrays lists array objects', async () => {
    const files = { 'array.yml': 'size: 2', '0/array.yml': 'size: 1', '0/0': '4', '1/array.yml': '{size: 0}' }

    expect(await listing(await ended({ out: NESTED }, { out: files }))).toMatchObject([
      {
        subType: 'ARRAY',
        value: [
          {
            index: 0,
            taskRunId: RUN_ID,
            parameterName: 'out/0',
            value: [{ index: 0, value: 4 }],
            subType: 'INTEGER',
          },
          { index: 1, parameterName: 'out/1', value: [] },
        ],
      },
    ])
  })

  it('of images or files lists indexes only', async () => {
    const files = { 'array.yml': 'size: 1', '0': aPng(), '0.geojson': '{}' }
    const types = { images: IMAGES, files: { ...INTEGERS, subType: { id: 'file' } } } as const

    expect(await listing(await ended(types, { images: files, files }))).toMatchObject([
      { value: [{ index: 0 }], subType: 'IMAGE' },
      { value: [{ index: 0 }], subType: 'FILE' },
    ])
  })

  it('of numbers fails the run for other texts', async () => {
    const numbers = {
      ...INTEGERS,
      subType: { id: 'number', infinityAllowed: true, nanAllowed: true },
    } as const
    const files = { 'array.yml': 'size: 2', '0': 'nan', '1': '0.5' }

    expect(await listing(await ended({ out: numbers }, { out: files }))).toMatchObject([
      { value: [{ value: 'NaN' }, { value: 0.5 }] },
    ])
  })

  it('accepts missing items if they are allowed', async () => {
    const engine = await ended(
      { out: { ...INTEGERS, allowMissing: true } },
      { out: { 'array.yml': 'size: 9', '4': '5' } },
    )

    expect(await listing(engine)).toMatchObject([{ value: [{ index: 4, value: 5 }] }])
  })

  it.each<[string, ArrayType, Files, string]>([
    ['without array.yml', INTEGERS, { '0': '5' }, 'the folder has no array.yml'],
    [
      'without array.yml in a sub-array',
      NESTED,
      { 'array.yml': 'size: 1', '0/0': '5' },
      'item 0: the folder has no array.yml',
    ],
    ['with an empty array.yml', INTEGERS, { 'array.yml': '' }, 'array.yml is empty'],
    [
      'with a malformed array.yml',
      INTEGERS,
      { 'array.yml': 'size: many' },
      'array.yml contains "size: many"',
    ],
    [
      'with more items than it says',
      INTEGERS,
      { ...plain, '2': '7' },
      'size 2, but the folder has 3 items; beyond the size: 2',
    ],
    [
      'with fewer items than it says',
      INTEGERS,
      { 'array.yml': 'size: 2', '0': '5' },
      'size 2, but the folder has 1 item; missing: 1',
    ],
    ['with too few items', { ...INTEGERS, minSize: 3 }, plain, 'it has 2 items; expected at least 3'],
    ['with too many items', { ...INTEGERS, maxSize: 1 }, plain, 'at most 1 (max_size)'],
    [
      'with too many items inside',
      { ...INTEGERS, subType: { ...INTEGERS, maxSize: 0 } },
      { 'array.yml': 'size: 1', '0/array.yml': 'size: 1', '0/0': '1' },
      'item 0: it has 1 item; expected at least 0 (min_size) and at most 0',
    ],
    ['with an item of another kind', INTEGERS, { ...plain, '1': 'six' }, 'item 1: "six" is not an integer'],
    ['with a blank item', INTEGERS, { ...plain, '1': '' }, 'item 1: the file is empty'],
    [
      'with an item out of bounds',
      { ...INTEGERS, subType: { id: 'integer', lt: 6 } },
      plain,
      'item 1: 6 is out of bounds; expected less than 6 (lt)',
    ],
    [
      'with a folder for a leaf',
      INTEGERS,
      { 'array.yml': 'size: 1', '0/x': '5' },
      'item 0: it is a folder; expected a file',
    ],
    [
      'with an image of another format',
      IMAGES,
      { 'array.yml': 'size: 1', '0': 'x' },
      'item 0: the file is not an image of a supported format; expected png',
    ],
    [
      'with extensions',
      INTEGERS,
      { 'array.yml': 'size: 2', '0.txt': '5', '1.txt': '6' },
      'size 2, but the folder has 0 items; missing: 0, 1; found "0.txt", "1.txt", which are not indexes; expected the items 0 to 1',
    ],
    [
      'with leading zeros',
      INTEGERS,
      { 'array.yml': 'size: 1', '00': '5' },
      'missing: 0; found "00", which are not indexes',
    ],
    [
      'counted from 1',
      INTEGERS,
      { 'array.yml': 'size: 2', '1': '5', '2': '6' },
      'size 2, but the folder has 2 items; missing: 0; beyond the size: 2; expected the items 0 to 1',
    ],
    [
      'named like companions',
      INTEGERS,
      { 'array.yml': 'size: 1', '0.geojson': '{}' },
      'missing: 0; found "0.geojson", which are not indexes; expected the items 0,',
    ],
    [
      'of another name of the metadata',
      INTEGERS,
      { 'array.yaml': 'size: 1', '0': '5' },
      'found "0", "array.yaml"',
    ],
    [
      'with two bad items',
      INTEGERS,
      { 'array.yml': 'size: 3', '0': '5', '1': 'x', '2': '\u001b[31m' },
      '2 items are invalid. Item 1: "x" is not an integer; expected a whole number within ±(2^53 - 1), such as 5. Item 2: "\\u{1b}[31m" is not',
    ],
    ...[300, 20_000].map((size): [string, ArrayType, Files, string] => [
      `with ${size} invalid items`,
      INTEGERS,
      {
        'array.yml': `size: ${size}`,
        ...Object.fromEntries(Array.from({ length: size }, (_, i) => [i, 'x'])),
      },
      invalidItems(size),
    ]),
  ])('%s fails the run', async (_, type, files, message) => {
    const told = await failure(await ended({ out: type }, { out: files }))

    expect(told).toContain('output "out"')
    expect(told).toContain(message)
  })

  it('that is missing or a file fails the run', async () => {
    const others = [{ name: 'out', kind: 'file', sizeBytes: 1 } as const]
    const asFile = await ended({ out: INTEGERS }, {}, { others })
    await asFile.objects.put(`${PREFIX}out`, '5')

    expect(await failure(await ended({ out: INTEGERS }, {}))).toContain('the task has not written it')
    expect(await failure(asFile)).toContain('array.yml')
  })

  it('of DICOM folders accepts them as images', async () => {
    const type = { ...IMAGES, subType: { id: 'image', formats: ['wsidicom'] } } as const
    const files = { 'array.yml': 'size: 1', '0/a.dcm': aDicom(), '0/b.dcm': aDicom() }

    expect(await listing(await ended({ out: type }, { out: files }))).toMatchObject([
      { parameterName: 'out', value: [{ index: 0 }], subType: 'IMAGE' },
    ])
    expect(await failure(await ended({ out: type }, { out: { ...files, '0/c.dcm': 'x' } }))).toContain(
      'item 0: the zip or folder does not contain DICOM files only',
    )
  })

  it('of many DICOM folders takes linear time', async () => {
    const type = { ...IMAGES, subType: { id: 'image', formats: ['wsidicom'] } } as const
    const stepsFor = async (count: number): Promise<number> => {
      const items = Array.from({ length: count }, (_, index) => [`${index}/a.dcm`, aDicom()])
      const engine = await ended(
        { out: type },
        { out: { 'array.yml': `size: ${count}`, ...Object.fromEntries(items) } },
      )
      const comparisons = vi.spyOn(String.prototype, 'startsWith')
      try {
        expect(await listing(engine)).toMatchObject([{ parameterName: 'out' }])
        return comparisons.mock.calls.length
      } finally {
        comparisons.mockRestore()
      }
    }

    const [one, two, four] = [await stepsFor(100), await stepsFor(200), await stepsFor(400)]

    expect(two / one).toBeLessThan(2.4)
    expect(four / two).toBeLessThan(2.4)
  })

  it('that must match another array fails the run when it differs', async () => {
    const task = aTask({
      inputs: [anInput({ name: 'p', type: INTEGERS })],
      matchingGroups: [['inputs/p', 'outputs/out']],
    })
    const withSize = (size: number) =>
      ended(
        { out: INTEGERS },
        { out: plain },
        { task, run: { provisions: { p: { kind: 'value', valueId: 'v', size } } } },
      )

    expect(await listing(await withSize(2))).toMatchObject([{ parameterName: 'out' }])
    expect(await failure(await withSize(3))).toContain(
      'output "out": it has 2 items, but inputs/p has 3; expected the same number in both',
    )
  })
})

describe('a collected array', () => {
  it('can be read item by item, and as a whole in the archive of all outputs', async () => {
    const engine = await ended({ out: INTEGERS }, { out: plain })
    await collectOutputs(engine, RUN_ID)

    expect(await findOutputItem(engine, RUN_ID, 'out', '1')).toMatchObject({ kind: 'part', name: '1' })
    await expect(findOutputItem(engine, RUN_ID, 'out', '2')).rejects.toMatchObject({
      error: 'STORAGE_READING_FILE_FAILED',
      details: { parameterName: 'out', description: 'Failed to read file out/2' },
    })
    expect(
      (await listOutputEntries(engine, await findRunAndTask(engine, RUN_ID))).map(({ name }) => name).sort(),
    ).toEqual(['out/0', 'out/1', 'out/array.yml'])
  })
})

describe('geometries that core cannot read', () => {
  const GEOMETRIES: ArrayType = { ...INTEGERS, subType: { id: 'geometry' } }
  const point = (more = '') => `{"type":"Point","coordinates":[1,2]${more}}`
  const crs = ',"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:OGC:1.3:CRS84"}}'

  it('are stored in the array as they are listed, and all others unchanged', async () => {
    const files = {
      'array.yml': 'size: 3\n',
      0: point(),
      1: ` ${point(crs)}\n`,
      2: point(',"id":18446744073709551615'),
      'large.txt': Buffer.alloc(3 * 1024 * 1024, 'x'),
    }
    const engine = await ended({ out: GEOMETRIES }, { out: files })

    const stored = [point(), point(), point(',"id":18446744073709551615.0')]
    const value = stored.map((text, index) => ({ index, value: text }))
    expect(await listing(engine)).toEqual([
      { taskRunId: RUN_ID, parameterName: 'out', type: 'ARRAY', value, subType: 'GEOMETRY' },
    ])
    const entries = await listOutputEntries(engine, await findRunAndTask(engine, RUN_ID))
    const contents = await Promise.all(
      entries.map(async (entry) => [entry.name.slice('out/'.length), (await readEntry(entry)).toString()]),
    )
    const [, , , ...others] = Object.entries(files)
    expect(Object.fromEntries(contents)).toEqual({
      ...Object.fromEntries(others.map(([name, content]) => [name, content.toString()])),
      ...stored,
    })
    for (const [index, text] of stored.entries()) {
      const item = await findOutputItem(engine, RUN_ID, 'out', String(index))
      if (item.kind !== 'part') throw new Error('the item is not a single file')
      expect(String(await readEntry(item.entry))).toBe(text)
    }
  })

  it('are stored in a readable form in arrays of arrays', async () => {
    const nested = { ...INTEGERS, subType: GEOMETRIES }
    const engine = await ended(
      { out: nested },
      { out: { 'array.yml': 'size: 1', '0/array.yml': 'size: 1', '0/0': point(crs) } },
    )

    expect(JSON.stringify(await listing(engine))).not.toContain('crs')
    const entries = await listOutputEntries(engine, await findRunAndTask(engine, RUN_ID))
    const item = entries.find(({ name }) => name === 'out/0/0')
    expect(item && String(await readEntry(item))).toBe(point())
  })
})
