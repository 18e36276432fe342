import { describe, expect, it } from 'vitest'
import { openZip } from '../../../src/archive/zip/read-zip.ts'
import type { StagedInputs } from '../../../src/contract/staging.ts'
import { provisionArrayItem, provisionArrayItemFile } from '../../../src/inputs/provision-array.ts'
import { stageInputs, stageOutputs } from '../../../src/outputs/stage-files.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import { anInput, anOutput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { aDicomZip, aPng } from '../../fixtures/images.ts'
import { findArrayItem, provisionFile, provisionInput } from '../../fixtures/provision-by-id.ts'
import { aSentValue } from '../../fixtures/sent-value.ts'

type Engine = Awaited<ReturnType<typeof anEngine>>

const SECRET = 'secret-of-the-run'
const arrayOf = (id: 'integer' | 'image') => ({ id: 'array', allowMissing: false, subType: { id } }) as const
const INPUTS = [
  anInput({ name: 'numbers', optional: true, type: arrayOf('integer') }),
  anInput({ name: 'crops', optional: true, type: arrayOf('image') }),
  anInput({ name: 'image', optional: true, type: { id: 'image' } }),
]
const OUTPUTS = [
  anOutput({ name: 'list', type: arrayOf('integer') }),
  anOutput({ name: 'slide', type: { id: 'image' } }),
  anOutput({ name: 'sum' }),
]
const aRunOfArrays = (): Promise<Engine> =>
  anEngine({ task: aTask({ inputs: INPUTS, outputs: OUTPUTS }), run: {} })

async function start(engine: Engine): Promise<void> {
  await engine.runs.transition(RUN_ID, { to: 'PROVISIONED' }).catch(() => {})
  await engine.runs.transition(RUN_ID, { to: 'QUEUING' })
  await engine.runs.recordJob(RUN_ID, { attempt: 1, jobName: 'job' })
}

async function staged(engine: Engine): Promise<StagedInputs['files']> {
  await start(engine)
  return (await stageInputs(engine, RUN_ID, SECRET)).files
}

/** Names of the files in the zip that replaces a staged folder. */
async function packedNames(engine: Engine, content: StagedInputs['files'][number]['content']) {
  if (content.kind !== 'tree') throw new Error('this is not a folder')
  const key = engine.objects.keys().find((one) => content.url.includes(encodeURI(one)))
  const body = await engine.objects.read(key ?? '')
  const zip = await openZip(bufferSource(Buffer.concat((await body?.toArray()) ?? [])))
  return zip.entries.map(({ name }) => name).sort()
}

async function giveCrop(engine: Engine, index: string, value: Uint8Array, companion?: Uint8Array) {
  const target = await findArrayItem(engine, RUN_ID, 'crops', index)
  await provisionArrayItemFile(engine, target, aSentValue(engine, value, companion))
}

describe('staging arrays in', () => {
  it('returns a whole array as the stored folder', async () => {
    const engine = await aRunOfArrays()
    await provisionInput(engine, RUN_ID, { parameterName: 'numbers', value: [1, 2] })
    const keys = engine.objects.keys()

    const files = await staged(engine)

    expect(files).toMatchObject([{ path: 'numbers', content: { kind: 'tree' } }])
    expect(engine.objects.keys()).toEqual(keys)
    for (const { content } of files) {
      expect(await packedNames(engine, content)).toEqual(['numbers/0', 'numbers/1', 'numbers/array.yml'])
    }
  })

  it('packs small items with their companions into one folder', async () => {
    const engine = await aRunOfArrays()
    await giveCrop(engine, '0', aPng(), Buffer.from('{}'))
    await giveCrop(engine, '1', aPng())

    const [file, ...others] = await staged(engine)

    expect(others).toEqual([])
    expect(file && (await packedNames(engine, file.content))).toEqual([
      'crops/0',
      'crops/0.geojson',
      'crops/1',
      'crops/array.yml',
    ])
  })

  it('returns large items and DICOM folders unchanged, one by one', async () => {
    const engine = await aRunOfArrays()
    const large = Buffer.concat([aPng(), Buffer.alloc(1024 * 1024)])
    await giveCrop(engine, '0', large, Buffer.from('{}'))
    await giveCrop(engine, '1', await aDicomZip())
    const [stored] = engine.objects.keys().filter((key) => key.includes('/crops/1/'))

    const [packed, ...others] = await staged(engine)

    expect(packed && (await packedNames(engine, packed.content))).toEqual([
      'crops/0.geojson',
      'crops/array.yml',
    ])
    expect(others).toMatchObject([
      { path: 'crops/0', content: { kind: 'url', sizeBytes: large.length } },
      {
        path: 'crops/1',
        content: { kind: 'tree', below: 'crops/1', url: expect.stringContaining(stored ?? '') },
      },
    ])
  })

  it('returns a DICOM folder as the client packed it, with its target folder', async () => {
    const engine = await aRunOfArrays()
    const zip = await aDicomZip(undefined, { compress: true })
    await provisionFile(engine, RUN_ID, 'image', aSentValue(engine, zip))

    expect(await staged(engine)).toMatchObject([
      { path: 'image', content: { kind: 'tree', below: 'image', sizeBytes: zip.length } },
    ])
  })

  it('returns a changed array without replaced items', async () => {
    const engine = await aRunOfArrays()
    await provisionInput(engine, RUN_ID, { parameterName: 'numbers', value: [1] })
    await provisionArrayItem(engine, await findArrayItem(engine, RUN_ID, 'numbers', '1'), 2)

    const [file] = await staged(engine)

    expect(file && (await packedNames(engine, file.content))).toEqual([
      'numbers/0',
      'numbers/1',
      'numbers/array.yml',
    ])
  })

  it('omits cleared inputs and inputs without a value', async () => {
    const engine = await aRunOfArrays()
    await provisionInput(engine, RUN_ID, { parameterName: 'numbers', value: [1] })
    await provisionInput(engine, RUN_ID, { parameterName: 'numbers', value: null })

    expect(await staged(engine)).toEqual([])
  })

  it('returns an empty array as a folder', async () => {
    const engine = await aRunOfArrays()
    await provisionInput(engine, RUN_ID, { parameterName: 'numbers', value: [] })

    expect(await staged(engine)).toMatchObject([{ path: 'numbers', content: { kind: 'tree' } }])
  })

  it('returns an image by URL, with its companion', async () => {
    const engine = await aRunOfArrays()
    await provisionFile(engine, RUN_ID, 'image', aSentValue(engine, aPng(), Buffer.from('{}')))

    expect(await staged(engine)).toMatchObject([
      { path: 'image', content: { kind: 'url', sizeBytes: aPng().length } },
      { path: 'image.geojson', content: { kind: 'url', sizeBytes: 2 } },
    ])
  })
})

describe('staging arrays out', () => {
  it('accepts folders only for arrays and images', async () => {
    const engine = await aRunOfArrays()
    await start(engine)

    const { uploads } = await stageOutputs(engine, RUN_ID, SECRET, {
      jobAttempt: 1,
      entries: ['list', 'slide', 'sum', 'cache'].map((name) => ({ name, kind: 'directory', sizeBytes: 0 })),
    })

    expect(uploads.map(({ name }) => name)).toEqual(['list', 'slide'])
  })
})
