import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { storedZip } from '../../../src/archive/folder-zip/stored-zip.ts'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { postOutputs } from '../../../src/outputs/post-outputs.ts'
import { readAll } from '../../../src/shared/read-all.ts'
import { anOutput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

const SECRET = 'secret-of-the-run'
const ARRAY = { id: 'array' as const, allowMissing: false, subType: { id: 'integer' as const } }

async function running() {
  const outputs = [anOutput({ name: 'sum' }), anOutput({ name: 'list', type: ARRAY, optional: true })]
  return anEngine({
    task: aTask({ outputs }),
    run: { state: 'RUNNING', job: { attempt: 1, jobName: 'job' } },
  })
}

/** A zip of these files. */
function zipOf(files: Record<string, string>): () => Promise<Uint8Array> {
  return () =>
    readAll(
      storedZip(
        Object.entries(files).map(([name, text]) => ({
          name,
          sizeBytes: Buffer.byteLength(text),
          open: async () => Readable.from([Buffer.from(text)]),
        })),
      ),
    )
}

describe('outputs that are posted with the secret', () => {
  it('finish the run, also with arrays', async () => {
    const engine = await running()
    const archive = zipOf({ sum: '5', 'list/array.yml': 'size: 2', 'list/0': '1', 'list/1': '2' })

    await postOutputs(engine, RUN_ID, SECRET, archive)

    const run = await engine.runs.find(RUN_ID)
    expect(run?.state).toBe('FINISHED')
    expect(JSON.parse(engine.objects.text(`${run?.outputsPrefix}outputs.json`) ?? '')).toMatchObject([
      { parameterName: 'sum', value: 5 },
      {
        parameterName: 'list',
        value: [
          { index: 0, value: 1 },
          { index: 1, value: 2 },
        ],
      },
    ])
  })

  it('are refused after an accepted archive', async () => {
    const engine = await running()
    await postOutputs(engine, RUN_ID, SECRET, zipOf({ sum: '5' }))

    await expect(postOutputs(engine, RUN_ID, SECRET, zipOf({ sum: '6' }))).rejects.toMatchObject({
      error: 'INTERNAL_INVALID_TASK_RUN_STATE',
    })
  })

  it.each([
    ['a name that is not an output', { sum: '1', other: '2' }, 'INTERNAL_UNKNOWN_OUTPUT'],
    ['a missing output', { 'list/array.yml': 'size: 0' }, 'INTERNAL_MISSING_OUTPUTS'],
    ['a value that is refused', { sum: 'many' }, 'INTERNAL_GENERIC_BATCH_ERROR'],
  ])('fail the run for %s', async (_, files, error) => {
    const engine = await running()

    await expect(postOutputs(engine, RUN_ID, SECRET, zipOf(files))).rejects.toMatchObject({ error })

    expect((await engine.runs.find(RUN_ID))?.state).toBe('FAILED')
  })

  it.each([
    ['the secret is wrong', 'wrong', zipOf({ sum: '1' }), 'SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING'],
    ['they are not a zip', SECRET, async () => Buffer.from('no zip'), 'INTERNAL_INVALID_OUTPUT'],
  ])('change nothing when %s', async (_, secret, archive, error) => {
    const engine = await running()

    await expect(postOutputs(engine, RUN_ID, secret, archive)).rejects.toMatchObject({ error })

    expect((await engine.runs.find(RUN_ID))?.state).toBe('RUNNING')
  })

  describe('several times concurrently', () => {
    const posts = (engine: Awaited<ReturnType<typeof running>>) =>
      Promise.allSettled(
        [1, 2, 3, 4, 5].map((value) =>
          postOutputs(
            engine,
            RUN_ID,
            SECRET,
            zipOf({ sum: `${value}`, 'list/array.yml': 'size: 1', 'list/0': `${value}` }),
          ),
        ),
      )

    it('end the run with one of them, without files of the others', async () => {
      const engine = await running()

      const answers = await posts(engine)

      const winner = answers.findIndex(({ status }) => status === 'fulfilled') + 1
      const others = answers.filter(({ status }) => status === 'rejected')
      expect(others).toMatchObject(
        others.map(() => ({ reason: { error: 'INTERNAL_INVALID_TASK_RUN_STATE' } })),
      )
      expect(others).toHaveLength(4)
      const prefix = (await engine.runs.find(RUN_ID))?.outputsPrefix
      expect(JSON.parse(engine.objects.text(`${prefix}outputs.json`) ?? '')).toMatchObject([
        { parameterName: 'sum', value: winner },
        { parameterName: 'list', value: [{ index: 0, value: winner }] },
      ])
      expect(engine.objects.text(`${prefix}sum`)).toBe(`${winner}`)
    })

    it('leave no objects of the others', async () => {
      const engine = await running()

      await posts(engine)

      const prefix = (await engine.runs.find(RUN_ID))?.outputsPrefix ?? '?'
      expect(engine.objects.keys().filter((key) => !key.startsWith(prefix))).toEqual([])
    })

    it('leave nothing when the run is deleted meanwhile', async () => {
      const engine = await running()

      await Promise.all([posts(engine), deleteRun(engine, RUN_ID)])

      expect(engine.objects.keys()).toEqual([])
    })
  })

  it('are kept when the response to the write that ended the run was lost', async () => {
    const engine = await running()
    const transition: typeof engine.runs.transition = async (runId, change) => {
      await engine.runs.transition(runId, change)
      // The second write is like a retry of the SDK.
      return await engine.runs.transition(runId, change)
    }

    await postOutputs(
      { ...engine, runs: { ...engine.runs, transition } },
      RUN_ID,
      SECRET,
      zipOf({ sum: '5' }),
    )

    const run = await engine.runs.find(RUN_ID)
    expect([run?.state, engine.objects.text(`${run?.outputsPrefix}sum`)]).toEqual(['FINISHED', '5'])
  })

  it('leave no object when an entry of the zip is damaged or a value is refused', async () => {
    const engine = await running()
    const damaged = Buffer.from(await zipOf({ sum: '12345678', 'list/array.yml': 'size: 0' })())
    damaged[damaged.indexOf('12345678')] = 0x39

    await expect(postOutputs(engine, RUN_ID, SECRET, async () => damaged)).rejects.toMatchObject({
      error: 'INTERNAL_INVALID_OUTPUT',
    })
    const afterDamage = engine.objects.keys()
    await expect(postOutputs(engine, RUN_ID, SECRET, zipOf({ sum: 'many' }))).rejects.toThrow()

    expect([afterDamage, engine.objects.keys()]).toEqual([[], []])
  })

  it('are refused for their secret before the state is checked', async () => {
    const engine = await anEngine({ run: {} })

    await expect(postOutputs(engine, RUN_ID, 'wrong', zipOf({}))).rejects.toMatchObject({
      error: 'SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING',
    })
  })
})
