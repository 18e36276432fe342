import { describe, expect, it } from 'vitest'
import { findInputFile, listInputEntries } from '../../../src/inputs/read-inputs.ts'
import { openFile } from '../../../src/inputs/run-files.ts'
import { findRunAndTask } from '../../../src/run/find-run.ts'
import { readAll } from '../../../src/shared/read-all.ts'
import { anInput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { aDicom, aDicomZip, aPng } from '../../fixtures/images.ts'
import { listInputs } from '../../fixtures/listed-inputs.ts'
import { provisionFile } from '../../fixtures/provision-by-id.ts'
import { aSentValue } from '../../fixtures/sent-value.ts'

type Engine = Awaited<ReturnType<typeof anEngine>>

const INPUTS = [
  anInput({ name: 'image', type: { id: 'image', formats: ['png', 'wsidicom'], maxFileSizeBytes: 10_000 } }),
  anInput({ name: 'model', type: { id: 'file', maxFileSizeBytes: 10 } }),
  anInput({ name: 'count', optional: true }),
]
const aRunOfImages = (): Promise<Engine> => anEngine({ task: aTask({ inputs: INPUTS }), run: {} })
const MODEL = Buffer.from('weights')

const give = (engine: Engine, name: string, value: Uint8Array, companion?: Uint8Array) =>
  provisionFile(engine, RUN_ID, name, aSentValue(engine, value, companion))

async function bytesOf(engine: Engine, name: string, asGeojson = false): Promise<Buffer> {
  const found = await findInputFile(engine, RUN_ID, name, asGeojson)
  if (found.kind === 'part' || found.kind === 'packing') throw new Error(`${name} is not a single file`)
  return Buffer.concat(await (await openFile(engine, found)).toArray())
}

async function bytesIn(found: Awaited<ReturnType<typeof findInputFile>>, name: string) {
  const entries = found.kind === 'packing' ? await found.entries() : []
  const entry = entries.find((one) => one.name === name)
  if (entry === undefined || 'bytes' in entry) throw new Error(`${name} is not in the folder`)
  return readAll(await entry.open())
}

describe('an image or a file', () => {
  it('is stored unchanged, listed without a value, and completes the run', async () => {
    const engine = await aRunOfImages()

    await give(engine, 'image', aPng())
    await give(engine, 'MODEL', MODEL)

    expect(await bytesOf(engine, 'image')).toEqual(aPng())
    expect((await engine.runs.find(RUN_ID))?.state).toBe('PROVISIONED')
    expect(await listInputs(engine, RUN_ID)).toEqual([
      { taskRunId: RUN_ID, parameterName: 'image', type: 'IMAGE', value: null },
      { taskRunId: RUN_ID, parameterName: 'model', type: 'FILE', value: null },
    ])
  })

  it('may be an empty file', async () => {
    const engine = await aRunOfImages()

    await give(engine, 'model', Buffer.alloc(0))

    expect(await bytesOf(engine, 'model')).toHaveLength(0)
  })

  it('loses its companion when it is provisioned again without one', async () => {
    const engine = await aRunOfImages()
    await give(engine, 'model', MODEL)
    await give(engine, 'image', aPng(), Buffer.from('not validated'))
    const names = async () =>
      (await listInputEntries(engine, await findRunAndTask(engine, RUN_ID))).map(({ name }) => name)
    const before = [await names(), String(await bytesOf(engine, 'image', true))]

    await give(engine, 'image', aPng({ width: 9 }))

    expect(before).toEqual([['image', 'image.geojson', 'model'], 'not validated'])
    expect(await names()).toEqual(['image', 'model'])
    await expect(bytesOf(engine, 'image', true)).rejects.toMatchObject({
      status: 404,
      details: { parameterName: 'image.geojson' },
    })
  })

  it('keeps its earlier value and companion when a new value is refused', async () => {
    const engine = await aRunOfImages()
    await give(engine, 'image', aPng(), Buffer.from('{}'))
    const keys = engine.objects.keys()

    await expect(give(engine, 'image', Buffer.from('no image'), Buffer.from('x'))).rejects.toMatchObject({
      error: 'INTERNAL_PARAMETER_INVALID_IMAGE_FORMAT',
      details: { type: 'parameter', parameterName: 'image' },
    })

    expect(engine.objects.keys()).toEqual(keys)
    expect(await bytesOf(engine, 'image')).toEqual(aPng())
    expect(String(await bytesOf(engine, 'image', true))).toBe('{}')
  })

  it('is refused above its maximum size', async () => {
    const engine = await aRunOfImages()

    await expect(give(engine, 'model', Buffer.alloc(11))).rejects.toMatchObject({
      error: 'INTERNAL_PARAMETER_VALIDATION_ERROR',
      details: { parameterName: 'model' },
    })
  })

  it.each([
    ['count', 'INTERNAL_PARAMETER_TYPE_ERROR'],
    ['nothing', 'INTERNAL_PARAMETER_DOES_NOT_EXIST'],
  ])('is refused for the parameter "%s"', async (name, error) => {
    await expect(give(await aRunOfImages(), name, MODEL)).rejects.toMatchObject({ error })
  })

  it('is refused after the run has started', async () => {
    const engine = await anEngine({ task: aTask({ inputs: INPUTS }), run: { state: 'QUEUED' } })

    await expect(give(engine, 'model', MODEL)).rejects.toMatchObject({
      error: 'INTERNAL_INVALID_TASK_RUN_STATE',
    })
  })
})

describe('a zip of DICOM files', () => {
  it.each([true, false])('is stored unchanged and shown as a folder; deflated: %s', async (compress) => {
    const engine = await aRunOfImages()
    const zip = await aDicomZip(undefined, { compress })

    await give(engine, 'image', zip)
    await give(engine, 'model', MODEL)

    const [key] = engine.objects.keys()
    expect(await engine.objects.size(key ?? '')).toBe(zip.length)
    const folder = await findInputFile(engine, RUN_ID, 'image', false)
    expect(folder.kind === 'packing' && (await folder.entries())).toMatchObject([
      { name: 'image/slide/volume.dcm' },
      { name: 'image/slide/label.dcm' },
    ])
    expect(await bytesIn(folder, 'image/slide/label.dcm')).toEqual(aDicom({ width: 38, height: 46 }))
    expect(await listInputEntries(engine, await findRunAndTask(engine, RUN_ID))).toMatchObject([
      { name: 'image/slide/volume.dcm' },
      { name: 'image/slide/label.dcm' },
      { name: 'model' },
    ])
  })

  it.each([
    ['a name that leaves the folder', '../evil.dcm'],
    ['an absolute name', '/etc/evil.dcm'],
    ['a name that leaves the folder later', 'a/../../evil.dcm'],
  ])('is refused for %s', async (_, name) => {
    const engine = await aRunOfImages()
    // The packer refuses such names, so the test replaces a name of the same length in the zip.
    const harmless = 'x'.repeat(name.length)
    const zip = (await aDicomZip({ [harmless]: aDicom() })).toString('latin1').replaceAll(harmless, name)

    await expect(give(engine, 'image', Buffer.from(zip, 'latin1'))).rejects.toMatchObject({
      error: 'INTERNAL_PARAMETER_TYPE_ERROR',
      details: { parameterName: 'image' },
    })
    expect(engine.objects.keys()).toEqual([])
  })
})
