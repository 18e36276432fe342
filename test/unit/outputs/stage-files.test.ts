import { describe, expect, it } from 'vitest'
import { stageInputs, stageOutputs } from '../../../src/outputs/stage-files.ts'
import { anInput, aRun, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { provisionInput } from '../../fixtures/provision-by-id.ts'

const SECRET = 'secret-of-the-run'
const OTHER_ID = '44444444-4444-4444-8444-444444444444'
const running = async () => {
  const task = aTask({
    inputs: [anInput({ name: 'small' }), anInput({ name: 'large', type: { id: 'string', minLength: 0 } })],
  })
  const engine = await anEngine({ task, run: {} })
  await provisionInput(engine, RUN_ID, { parameterName: 'small', value: 7 })
  await provisionInput(engine, RUN_ID, { parameterName: 'large', value: 'x'.repeat(5000) })
  await engine.runs.transition(RUN_ID, { to: 'QUEUING' })
  await engine.runs.recordJob(RUN_ID, { attempt: 1, jobName: 'job' })
  return engine
}

describe('staging', () => {
  it('returns small inputs inline and large ones by URL', async () => {
    const { files } = await stageInputs(await running(), RUN_ID, SECRET)

    const byPath = new Map(files.map((file) => [file.path, file.content]))
    expect(byPath.get('small')).toEqual({ kind: 'inline', text: '7' })
    expect(byPath.get('large')).toMatchObject({ kind: 'url', sizeBytes: 5000 })
  })

  it('returns URLs only for declared outputs, below the prefix of this attempt', async () => {
    const staged = await stageOutputs(await running(), RUN_ID, SECRET, {
      jobAttempt: 2,
      entries: [
        { name: 'sum', kind: 'file', sizeBytes: 1 },
        { name: 'debug.log', kind: 'file', sizeBytes: 1 },
        { name: 'cache', kind: 'directory', sizeBytes: 0 },
      ],
    })

    expect(staged.uploads.map((upload) => upload.name)).toEqual(['sum'])
    expect(staged.uploads[0]?.url).toContain(`task-run-outputs-${RUN_ID}/1-2/sum`)
    expect(staged.listingUrl).toContain(`task-run-outputs-${RUN_ID}/1-2/staged.json`)
  })

  it('returns only URLs of this run', async () => {
    const engine = await running()
    await engine.runs.create(aRun({ id: OTHER_ID, secret: 'secret-of-another' }))

    const { files } = await stageInputs(engine, RUN_ID, SECRET)
    const outputs = { jobAttempt: 1, entries: [{ name: 'sum', kind: 'file', sizeBytes: 1 } as const] }
    const { uploads, listingUrl } = await stageOutputs(engine, RUN_ID, SECRET, outputs)

    const urls = [...files.map(({ content }) => content), ...uploads, { url: listingUrl }].flatMap((one) =>
      'url' in one ? [one.url] : [],
    )
    expect(urls).toHaveLength(3)
    for (const url of urls)
      expect(new URL(url).pathname).toMatch(RegExp(`^/task-run-(in|out)puts-${RUN_ID}/`))
    await expect(stageInputs(engine, OTHER_ID, SECRET)).rejects.toMatchObject({
      error: 'SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING',
    })
  })

  it('is refused without the secret of the run', async () => {
    const engine = await running()

    for (const secret of ['', 'secret', RUN_ID]) {
      await expect(stageInputs(engine, RUN_ID, secret)).rejects.toMatchObject({
        error: 'SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING',
      })
    }
  })

  it('is refused after the run has ended, because its secret is invalid then', async () => {
    const engine = await running()
    await engine.runs.transition(RUN_ID, { to: 'FAILED' })

    await expect(stageInputs(engine, RUN_ID, SECRET)).rejects.toMatchObject({
      error: 'INTERNAL_INVALID_TASK_RUN_STATE',
    })
  })
})
