import { createHash } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import type { ArchiveEntry } from '../../../src/archive/folder-zip/stored-zip.ts'
import { openZip } from '../../../src/archive/zip/read-zip.ts'
import { SERVICE_VERSION } from '../../../src/contract/service-version.ts'
import { MAX_COPIED_BYTES, MAX_COPIED_FILES } from '../../../src/inputs/prepared-file.ts'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { CrateBudget } from '../../../src/outputs/crate/crate-files.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import { readAll } from '../../../src/shared/read-all.ts'
import { RUN_ID, TASK_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEndedRun, HOSTILE_NAME } from '../../fixtures/ended-runs.ts'
import { anEngine } from '../../fixtures/engine.ts'

const PATH = `/app-engine/v1/task-runs/${RUN_ID}/ro-crate.zip`
const METADATA = 'ro-crate-metadata.json'

interface Crate {
  readonly files: ReadonlyMap<string, Buffer>
  /** Entity with this id. */
  entity(id: string): Record<string, unknown>
  readonly entities: readonly Record<string, unknown>[]
}

async function crateOf(engine: Awaited<ReturnType<typeof anEndedRun>>): Promise<Crate> {
  const answer = await createCheckedApp(engine).fetch(PATH)
  expect(answer.status).toBe(200)
  const zip = await openZip(bufferSource(Buffer.from(await answer.arrayBuffer())))
  const files = new Map<string, Buffer>()
  for (const entry of zip.entries) files.set(entry.name, await readAll(zip.read(entry)))
  const { '@graph': entities } = JSON.parse(String(files.get(METADATA))) as {
    readonly '@graph': Record<string, unknown>[]
  }
  const byId = new Map(entities.map((one) => [one['@id'], one]))
  expect(byId.size).toBe(entities.length)
  const entity = (id: string) => {
    const found = byId.get(id)
    if (found === undefined) throw new Error(`no entity ${id}`)
    return found
  }
  return { files, entity, entities }
}

function refs(...ids: readonly string[]): readonly object[] {
  return ids.map((id) => ({ '@id': id }))
}

const HOSTILE_URI = `outputs/files/0/${HOSTILE_NAME.split('/').map(encodeURIComponent).join('/')}`

describe('the crate of a finished run', () => {
  it('has descriptor, outputs and inputs, each with its size and digest', async () => {
    const { files, entities } = await crateOf(await anEndedRun('FINISHED'))

    const described = entities.filter((one) => one['@type'] === 'File')
    expect(described.map((one) => decodeURIComponent(String(one['@id'])))).toEqual([
      'descriptor.yml',
      'outputs/sum',
      'outputs/files/array.yml',
      `outputs/files/0/${HOSTILE_NAME}`,
      'inputs/a',
      'inputs/slide',
      'inputs/slide.geojson',
      'inputs/dicom/1.dcm',
      'inputs/dicom/series/2.dcm',
      'inputs/numbers/array.yml',
      'inputs/numbers/0',
      'inputs/numbers/1',
    ])
    expect([...files.keys()]).toEqual([
      ...described.map((one) => decodeURIComponent(String(one['@id']))),
      METADATA,
    ])
    for (const one of described) {
      const bytes = files.get(decodeURIComponent(String(one['@id']))) ?? Buffer.alloc(0)
      expect(one).toMatchObject({
        contentSize: String(bytes.length),
        sha256: createHash('sha256').update(bytes).digest('hex'),
      })
    }
  })

  it('states the task, its image, the times and the result', async () => {
    const { entity } = await crateOf(await anEndedRun('FINISHED'))

    expect(entity(`#${RUN_ID}`)).toMatchObject({
      '@type': 'CreateAction',
      instrument: { '@id': `urn:uuid:${TASK_ID}` },
      containerImage: { '@id': '#image' },
      startTime: '2026-01-01T00:01:00.000+00:00',
      endTime: '2026-01-01T00:02:00.000+00:00',
      actionStatus: 'http://schema.org/CompletedActionStatus',
      additionalProperty: { '@id': '#exitCode' },
    })
    expect(entity(`#${RUN_ID}`)).not.toHaveProperty('error')
    expect(entity('#exitCode')).toMatchObject({ name: 'exitCode', value: 0 })
    expect(entity('#vcpuSeconds')).toMatchObject({ value: 90 })
    expect(entity(`urn:uuid:${TASK_ID}`)).toMatchObject({
      identifier: 'com.example.addition:1.0.0',
      softwareVersion: '1.0.0',
      memoryRequirements: '4096 MiB',
      processorRequirements: '1 CPU(s), 0 GPU(s)',
      softwareRequirements: { '@id': '#engine' },
      subjectOf: { '@id': 'descriptor.yml' },
    })
    expect(entity('#engine')).toMatchObject({ softwareVersion: SERVICE_VERSION })
    expect(entity('#image')).toMatchObject({ tag: '1.0.0', sha256: '0'.repeat(64) })
  })

  it('has folders with their files, under names that are safe in URIs and paths', async () => {
    const { entity } = await crateOf(await anEndedRun('FINISHED'))

    expect(entity('./')).toMatchObject({
      hasPart: refs(
        'descriptor.yml',
        'outputs/sum',
        'outputs/files/',
        'inputs/a',
        'inputs/slide',
        'inputs/slide.geojson',
        'inputs/dicom/',
        'inputs/numbers/',
      ),
    })
    expect(entity('inputs/dicom/')).toMatchObject({
      '@type': 'Dataset',
      hasPart: refs('inputs/dicom/1.dcm', 'inputs/dicom/series/2.dcm'),
    })
    expect(entity('outputs/files/')).toMatchObject({ hasPart: refs('outputs/files/array.yml', HOSTILE_URI) })
    expect(HOSTILE_URI).toMatch(/^[\w/.%!~*'()-]+$/u)
    expect(entity(HOSTILE_URI)).toMatchObject({ name: `files/0/${HOSTILE_NAME}` })
    expect(entity(`#${RUN_ID}`)).toMatchObject({
      object: refs('inputs/a', 'inputs/slide', 'inputs/slide.geojson', 'inputs/dicom/', 'inputs/numbers/'),
      result: refs('outputs/sum', 'outputs/files/'),
    })
  })

  it('has the digest of a file that is too large for memory', async () => {
    const bytes = Buffer.alloc(5 * 1024 ** 2, 'tile')
    const engine = await anEndedRun('FINISHED', bytes.length)
    await engine.objects.put('slide', bytes)

    const { entity } = await crateOf(engine)

    expect(entity('inputs/slide').sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
  })

  it('is built again once the usage of the job is known, and is removed with the run', async () => {
    const engine = await anEndedRun('FINISHED')
    const app = createCheckedApp(engine)
    const prepared = () => engine.objects.keys().filter((key) => key.includes('.prepared/'))
    const { usage: _usage, ...job } = (await engine.runs.find(RUN_ID))?.job ?? { attempt: 1, jobName: 'job' }
    const find = engine.runs.find
    const runs = {
      ...engine.runs,
      find: async (id: string) => {
        const run = await find(id)
        return run && { ...run, job }
      },
    }

    await createCheckedApp({ ...engine, runs }).fetch(PATH)
    await app.fetch(PATH)
    expect(prepared()).toHaveLength(2)
    await deleteRun(engine, RUN_ID)

    expect(prepared()).toEqual([])
    expect((await app.request(PATH)).status).toBe(404)
  })
})

describe('content that exceeds the limits of a crate', () => {
  it('is described without a digest, and omitted from the zip', async () => {
    const { files, entity } = await crateOf(await anEndedRun('FINISHED', MAX_COPIED_BYTES))

    expect([...files.keys()].filter((name) => name.startsWith('inputs/slide'))).toEqual([
      'inputs/slide.geojson',
    ])
    const slide = entity('#inputs/slide')
    expect(slide).toMatchObject({
      contentSize: String(MAX_COPIED_BYTES),
      description: expect.stringContaining('1 file(s) with 536870912 bytes are not in this crate'),
    })
    expect(slide).not.toHaveProperty('sha256')
    expect(entity(`#${RUN_ID}`).object).toContainEqual({ '@id': '#inputs/slide' })
    expect(entity('./').hasPart).not.toContainEqual({ '@id': '#inputs/slide' })
  })

  it.each([
    [`sha256:${'a'.repeat(64)}`, { sha256: 'a'.repeat(64) }],
    [`sha256-134217728:${'b'.repeat(64)}`, { identifier: `sha256-134217728:${'b'.repeat(64)}` }],
  ])('has the digest %s that was stored with it', async (digest, described) => {
    const engine = await anEndedRun('FINISHED', MAX_COPIED_BYTES)
    const run = await engine.runs.find(RUN_ID)
    for (const value of run === undefined ? [] : await engine.runs.listInputs(run)) {
      if (value.file.kind !== 'object') continue
      await engine.runs.putInput({ ...value, file: { ...value.file, digest } })
    }

    const { entity } = await crateOf(engine)

    expect(entity('#inputs/slide')).toMatchObject(described)
  })

  it('is described without a digest when it is an output, and is not copied', async () => {
    const engine = await anEndedRun('FINISHED')
    const list = engine.objects.list
    vi.spyOn(engine.objects, 'list').mockImplementation(async function* (prefix) {
      for await (const object of list(prefix)) {
        const isLarge = object.key.endsWith('/sum')
        yield { ...object, sizeBytes: isLarge ? MAX_COPIED_BYTES + 1 : object.sizeBytes }
      }
    })
    const copy = vi.spyOn(engine.objects, 'copy')

    const { files, entity } = await crateOf(engine)

    expect(files.has('outputs/sum')).toBe(false)
    expect(entity('#outputs/sum')).toMatchObject({ contentSize: String(MAX_COPIED_BYTES + 1) })
    expect(entity('#outputs/sum')).not.toHaveProperty('sha256')
    expect(copy).not.toHaveBeenCalled()
  })

  it('is determined by number of files, bytes and length of names', () => {
    const named = (name: string, sizeBytes: number): ArchiveEntry => ({
      name,
      sizeBytes,
      open: async () => [],
    })
    const taken = (name: string, sizeBytes = 0) => {
      const budget = new CrateBudget()
      let count = 0
      while (budget.take(named(name, sizeBytes))) count += 1
      return count
    }

    expect(taken('a')).toBe(MAX_COPIED_FILES)
    expect(taken('a', MAX_COPIED_BYTES / 2)).toBe(2)
    expect(taken('\n'.repeat(4096))).toBeLessThan(600)
  })
})

describe('the crate of a run that reused outputs', () => {
  it('names the run that computed them', async () => {
    const engine = await anEndedRun('FINISHED')
    const other = '99999999-9999-4999-8999-999999999999'
    const find = async (id: string) => {
      const run = await engine.runs.find(id)
      return run && { ...run, reusedFrom: other }
    }

    const { entity } = await crateOf({ ...engine, runs: { ...engine.runs, find } })

    expect(entity(`#${RUN_ID}`).description).toContain(`took the outputs of run ${other}`)
  })
})

describe('the crate of a failed run', () => {
  it('has inputs, error and exit code, and no outputs', async () => {
    const { files, entity } = await crateOf(await anEndedRun('FAILED'))

    const action = entity(`#${RUN_ID}`)
    expect(action).toMatchObject({
      actionStatus: 'http://schema.org/FailedActionStatus',
      error: 'task-failed: no "disk"\nleft',
    })
    expect(action).not.toHaveProperty('result')
    expect(entity('#exitCode')).toMatchObject({ value: 3 })
    expect([...files.keys()].filter((name) => name.startsWith('outputs'))).toEqual([])
    expect(files.get('inputs/a')?.toString()).toBe('41')
  })

  it('has neither start time nor inputs when the run was cancelled before it had any', async () => {
    const failure = { kind: 'cancelled', message: 'cancelled by a client' } as const
    const engine = await anEngine({
      run: { state: 'FAILED', failure, updatedAt: '2026-01-01T00:03:00.000Z' },
    })

    const { files, entity } = await crateOf(engine)

    expect([...files.keys()]).toEqual([METADATA])
    expect(entity(`#${RUN_ID}`)).toMatchObject({ endTime: '2026-01-01T00:03:00.000+00:00' })
    expect(entity(`#${RUN_ID}`)).not.toHaveProperty('startTime')
    expect(entity(`#${RUN_ID}`)).not.toHaveProperty('object')
  })
})

it('the crate of a run is refused before the run has ended', async () => {
  const engine = await anEngine({ run: { state: 'RUNNING' } })

  const answer = await createCheckedApp(engine).request(PATH)

  expect(answer.status).toBe(403)
  expect(await answer.text()).toContain(
    'the run is RUNNING; its crate can be read once it is FINISHED or FAILED',
  )
})
