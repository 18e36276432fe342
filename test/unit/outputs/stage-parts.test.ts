import { describe, expect, it } from 'vitest'
import { beginOutputParts, completeOutputParts, signOutputParts } from '../../../src/outputs/stage-parts.ts'
import { aRun, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

const { secret } = aRun()
const OUTPUT = { jobAttempt: 2, name: 'sum' }
const PART = Buffer.alloc(5 * 1024 * 1024, 7)

const running = () => anEngine({ run: { state: 'RUNNING', job: { attempt: 3, jobName: 'job' } } })

/** An engine with a started multipart upload and these parts. */
async function begun(...parts: readonly Buffer[]) {
  const engine = await running()
  const { multipartId } = await beginOutputParts(engine, RUN_ID, secret, OUTPUT)
  if (parts.length > 0) {
    const range = { ...OUTPUT, multipartId, first: 1, count: parts.length }
    const { urls } = await signOutputParts(engine, RUN_ID, secret, range)
    for (const [i, url] of urls.entries()) engine.parts.receive(url, parts[i] ?? Buffer.alloc(0))
  }
  const complete = (sizeBytes: number) =>
    completeOutputParts(engine, RUN_ID, secret, { ...OUTPUT, multipartId, sizeBytes })
  return { engine, multipartId, complete }
}

describe('an output in parts', () => {
  it('becomes one object below the prefix of its attempt', async () => {
    const { engine, complete } = await begun(PART, Buffer.from('end'))

    expect(await complete(PART.length + 3)).toEqual({ sizeBytes: PART.length + 3 })

    expect(await engine.objects.size(`task-run-outputs-${RUN_ID}/3-2/sum`)).toBe(PART.length + 3)
  })

  it('may be completed again, for example after a lost response', async () => {
    const { complete } = await begun(PART)
    await complete(PART.length)

    expect(await complete(PART.length)).toEqual({ sizeBytes: PART.length })
  })

  it('is refused when bytes are missing', async () => {
    const { engine, complete } = await begun(PART, Buffer.from('end'))

    await expect(complete(PART.length * 2)).rejects.toMatchObject({ error: 'UPLOAD_INVALID' })

    expect(engine.objects.keys()).toEqual([])
  })

  it('is refused when its parts were removed', async () => {
    const { engine, multipartId, complete } = await begun(PART)
    await engine.parts.abort(`task-run-outputs-${RUN_ID}/3-2/sum`, multipartId)

    await expect(complete(PART.length)).rejects.toMatchObject({ error: 'UPLOAD_INVALID' })
  })

  it('gets only URLs of its own key, in order', async () => {
    const { engine, multipartId } = await begun()

    const range = { ...OUTPUT, multipartId, first: 5, count: 3 }
    const { urls } = await signOutputParts(engine, RUN_ID, secret, range)

    expect(urls.map((url) => new URL(url).pathname)).toEqual(
      Array.from({ length: 3 }, () => `/task-run-outputs-${RUN_ID}/3-2/sum`),
    )
    expect(urls.map((url) => new URL(url).searchParams.get('partNumber'))).toEqual(['5', '6', '7'])
  })

  it.each(['other', '../sum', 'staged.json', ''])('is refused under the name %j', async (name) => {
    const begin = beginOutputParts(await running(), RUN_ID, secret, { ...OUTPUT, name })

    await expect(begin).rejects.toMatchObject({ error: 'UPLOAD_INVALID' })
  })

  it('is refused without the secret of the run, and after the run has ended', async () => {
    const engine = await running()

    await expect(beginOutputParts(engine, RUN_ID, 'guess', OUTPUT)).rejects.toMatchObject({
      error: 'SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING',
    })
    await engine.runs.transition(RUN_ID, { to: 'FAILED' })
    await expect(beginOutputParts(engine, RUN_ID, secret, OUTPUT)).rejects.toMatchObject({
      error: 'INTERNAL_INVALID_TASK_RUN_STATE',
    })
  })
})
