import { describe, expect, it } from 'vitest'
import { bufferSource } from '../../../src/formats/zip/byte-source.ts'
import { openZip } from '../../../src/formats/zip/read-zip.ts'
import { provisionFile, type UploadedValue } from '../../../src/use-cases/provision-file.ts'
import {
  findInputFile,
  listInputEntries,
  listInputs,
  openFile,
} from '../../../src/use-cases/read-run-values.ts'
import { anInput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { aDicom, aDicomZip, aPng } from '../../fixtures/images.ts'

type Engine = Awaited<ReturnType<typeof anEngine>>

const INPUTS = [
  anInput({ name: 'image', type: { id: 'image', formats: ['png', 'wsidicom'], maxFileSizeBytes: 10_000 } }),
  anInput({ name: 'model', type: { id: 'file', maxFileSizeBytes: 10 } }),
  anInput({ name: 'count', optional: true }),
]
const aRunOfImages = (): Promise<Engine> => anEngine({ task: aTask({ inputs: INPUTS }), run: {} })
const MODEL = { value: Buffer.from('weights') }

async function bytesOf(engine: Engine, name: string, asGeojson = false): Promise<Buffer> {
  const found = await findInputFile(engine, RUN_ID, name, asGeojson)
  if (!('kind' in found)) throw new Error(`${name} is no single file`)
  return Buffer.concat(await (await openFile(engine, found)).toArray())
}

describe('an image or a file', () => {
  it('is kept as it came, shows without a value, and completes the run', async () => {
    const engine = await aRunOfImages()

    await provisionFile(engine, RUN_ID, 'image', { value: aPng() })
    await provisionFile(engine, RUN_ID, 'MODEL', MODEL)

    expect(await bytesOf(engine, 'image')).toEqual(aPng())
    expect((await engine.runs.find(RUN_ID))?.state).toBe('PROVISIONED')
    expect(await listInputs(engine, RUN_ID)).toEqual([
      { taskRunId: RUN_ID, parameterName: 'image', type: 'IMAGE', value: null },
      { taskRunId: RUN_ID, parameterName: 'model', type: 'FILE', value: null },
    ])
  })

  it('may be an empty file', async () => {
    const engine = await aRunOfImages()

    await provisionFile(engine, RUN_ID, 'model', { value: Buffer.alloc(0) })

    expect(await bytesOf(engine, 'model')).toHaveLength(0)
  })

  it('has a companion until it comes again without one', async () => {
    const engine = await aRunOfImages()
    await provisionFile(engine, RUN_ID, 'model', MODEL)
    await provisionFile(engine, RUN_ID, 'image', { value: aPng(), companion: Buffer.from('not validated') })
    const names = async () => (await listInputEntries(engine, RUN_ID)).map(({ name }) => name)
    const before = [await names(), String(await bytesOf(engine, 'image', true))]

    await provisionFile(engine, RUN_ID, 'image', { value: aPng({ width: 9 }) })

    expect(before).toEqual([['image', 'image.geojson', 'model'], 'not validated'])
    expect(await names()).toEqual(['image', 'model'])
    expect(await bytesOf(engine, 'image', true)).toEqual(aPng({ width: 9 }))
  })

  it('that is refused leaves the earlier one, its companion and the bucket as they were', async () => {
    const engine = await aRunOfImages()
    const first: UploadedValue = { value: aPng(), companion: Buffer.from('{}') }
    await provisionFile(engine, RUN_ID, 'image', first)
    const keys = engine.objects.keys()

    await expect(
      provisionFile(engine, RUN_ID, 'image', { value: Buffer.from('no image'), companion: Buffer.from('x') }),
    ).rejects.toMatchObject({
      error: 'INTERNAL_PARAMETER_INVALID_IMAGE_FORMAT',
      details: { type: 'parameter', parameterName: 'image' },
    })

    expect(engine.objects.keys()).toEqual(keys)
    expect(await bytesOf(engine, 'image')).toEqual(aPng())
    expect(String(await bytesOf(engine, 'image', true))).toBe('{}')
  })

  it('is refused beyond its largest size', async () => {
    const engine = await aRunOfImages()

    await expect(provisionFile(engine, RUN_ID, 'model', { value: Buffer.alloc(11) })).rejects.toMatchObject({
      error: 'INTERNAL_PARAMETER_VALIDATION_ERROR',
      details: { parameterName: 'model' },
    })
  })

  it.each([
    ['count', 'INTERNAL_PARAMETER_TYPE_ERROR'],
    ['nothing', 'INTERNAL_PARAMETER_DOES_NOT_EXIST'],
  ])('is refused for %s', async (name, error) => {
    await expect(provisionFile(await aRunOfImages(), RUN_ID, name, MODEL)).rejects.toMatchObject({ error })
  })

  it('is refused once the run was started', async () => {
    const engine = await anEngine({ task: aTask({ inputs: INPUTS }), run: { state: 'QUEUED' } })

    await expect(provisionFile(engine, RUN_ID, 'model', MODEL)).rejects.toMatchObject({
      error: 'INTERNAL_INVALID_TASK_RUN_STATE',
    })
  })
})

describe('a zip of DICOM files', () => {
  it('becomes a folder, without folder entries and uncompressed', async () => {
    const engine = await aRunOfImages()

    await provisionFile(engine, RUN_ID, 'image', { value: await aDicomZip(undefined, { compress: true }) })

    const zip = await openZip(bufferSource(await bytesOf(engine, 'image')))
    expect(zip.entries.map(({ name }) => name)).toEqual(['image/slide/volume.dcm', 'image/slide/label.dcm'])
  })

  it.each([
    ['a name that leaves the folder', '../evil.dcm'],
    ['an absolute name', '/etc/evil.dcm'],
    ['a name that leaves it later', 'a/../../evil.dcm'],
  ])('is refused for %s', async (_, name) => {
    const engine = await aRunOfImages()
    // The packer refuses such names, so it is put in afterwards, over one of the same length.
    const harmless = 'x'.repeat(name.length)
    const zip = (await aDicomZip({ [harmless]: aDicom() })).toString('latin1').replaceAll(harmless, name)

    await expect(
      provisionFile(engine, RUN_ID, 'image', { value: Buffer.from(zip, 'latin1') }),
    ).rejects.toMatchObject({ error: 'INTERNAL_PARAMETER_TYPE_ERROR', details: { parameterName: 'image' } })
    expect(engine.objects.keys()).toEqual([])
  })

  it('is refused for damage behind the headers of its files', async () => {
    const engine = await aRunOfImages()
    const file = aDicom({ pixels: Buffer.alloc(5000, 7) })
    const zip = await aDicomZip({ 'a.dcm': file }, { compress: false })
    const at = zip.indexOf(Buffer.alloc(100, 7))
    zip[at] = 8

    await expect(provisionFile(engine, RUN_ID, 'image', { value: zip })).rejects.toMatchObject({
      error: 'INTERNAL_PARAMETER_TYPE_ERROR',
      details: { parameterName: 'image' },
    })
    expect(engine.objects.keys()).toEqual([])
  })
})
