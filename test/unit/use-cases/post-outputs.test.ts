import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { readAll } from '../../../src/formats/read-all.ts'
import { storedZip } from '../../../src/formats/zip/stored-zip.ts'
import { postOutputs } from '../../../src/use-cases/post-outputs.ts'
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
  it('finish the run, arrays included', async () => {
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

  it('are useless after the first archive that was accepted', async () => {
    const engine = await running()
    await postOutputs(engine, RUN_ID, SECRET, zipOf({ sum: '5' }))

    await expect(postOutputs(engine, RUN_ID, SECRET, zipOf({ sum: '6' }))).rejects.toMatchObject({
      error: 'INTERNAL_INVALID_TASK_RUN_STATE',
    })
  })

  it.each([
    ['a name that is no output', { sum: '1', other: '2' }, 'INTERNAL_UNKNOWN_OUTPUT'],
    ['an output missing', { 'list/array.yml': 'size: 0' }, 'INTERNAL_MISSING_OUTPUTS'],
    ['a value that is refused', { sum: 'many' }, 'INTERNAL_GENERIC_BATCH_ERROR'],
  ])('fail the run for %s', async (_, files, error) => {
    const engine = await running()

    await expect(postOutputs(engine, RUN_ID, SECRET, zipOf(files))).rejects.toMatchObject({ error })

    expect((await engine.runs.find(RUN_ID))?.state).toBe('FAILED')
  })

  it.each([
    ['the secret is wrong', 'wrong', zipOf({ sum: '1' }), 'SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING'],
    ['they are no zip', SECRET, async () => Buffer.from('no zip'), 'INTERNAL_INVALID_OUTPUT'],
  ])('change nothing when %s', async (_, secret, archive, error) => {
    const engine = await running()

    await expect(postOutputs(engine, RUN_ID, secret, archive)).rejects.toMatchObject({ error })

    expect((await engine.runs.find(RUN_ID))?.state).toBe('RUNNING')
  })

  it('look at the secret before the state', async () => {
    const engine = await anEngine({ run: {} })

    await expect(postOutputs(engine, RUN_ID, 'wrong', zipOf({}))).rejects.toMatchObject({
      error: 'SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING',
    })
  })
})
