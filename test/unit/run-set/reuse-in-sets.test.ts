import { describe, expect, it } from 'vitest'
import { setRunId } from '../../../src/contract/set-run-id.ts'
import { submitJob } from '../../../src/lifecycle/submit-job.ts'
import { describeRunSet } from '../../../src/run-set/describe-run-set.ts'
import { workOnRunSet } from '../../../src/run-set/work-on-run-set.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { aReusingEngine } from '../../fixtures/reuse.ts'

/** An engine with a FINISHED run for `a` = 1, and a set of two rows whose runs are created. */
async function aSet({ reuse }: { readonly reuse?: boolean } = {}, reusesOutputs = false) {
  const engine = await aReusingEngine()
  const first = await engine.aFinishedRun({ a: 1 })
  const { request } = createCheckedApp({ ...engine, reusesOutputs })
  const answer = await request('/app-engine/v1/run-sets', {
    method: 'POST',
    body: JSON.stringify({
      taskId: engine.task.id,
      rows: [{ a: 1 }, { a: 2 }],
      ...(reuse !== undefined && { reuse }),
    }),
  })
  const described = (await answer.json()) as { id: string; reuse: boolean }
  const setId = described.id
  let work = await workOnRunSet(engine, { setId, timeLeftMs: () => 900_000 })
  while (work.runs.length === 0) work = await workOnRunSet(engine, { setId, timeLeftMs: () => 900_000 })
  const runIds = [0, 1].map((row) => setRunId({ setId, row, round: 1 }))
  const submit = (runId: string, taskToken = `token-${runId}`) => submitJob(engine, { runId, taskToken })
  return { ...engine, first, described, runIds, submit, request }
}

describe('a run set with reuse', () => {
  it('takes outputs of equal runs when a run is due, and submits the others', async () => {
    const { runs, sets, runIds, submit, first, scheduler, workflow, described, request } = await aSet({
      reuse: true,
    })
    const [same = '', other = ''] = runIds

    expect([(await submit(same)).outcome, (await submit(other)).outcome]).toEqual(['reused', 'submitted'])

    expect(await runs.find(same)).toMatchObject({ state: 'FINISHED', reusedFrom: first.id })
    expect(await runs.find(other)).toMatchObject({ state: 'QUEUED', notReused: { reason: 'no-equal-run' } })
    expect(workflow.answers.get(`token-${same}`)).toMatchObject({ kind: 'success' })
    expect(await scheduler.findByName(`${same}-1`)).toBeUndefined()
    const runSet = await sets.find(described.id)
    expect(described.reuse).toBe(true)
    expect(runSet && (await describeRunSet({ runs, sets }, runSet)).counts).toEqual({
      waiting: 0,
      active: 1,
      finished: 1,
      failed: 0,
      skipped: 0,
    })
    const listed = await request(`/app-engine/v1/run-sets/${described.id}/runs`)
    expect(await listed.json()).toMatchObject({
      content: [{ runId: same, reusedFrom: first.id }, { runId: other }],
    })
  })

  it('completes the step of a run when its function died after the run took outputs', async () => {
    const { runIds, submit, workflow } = await aSet({ reuse: true })
    const [same = ''] = runIds
    await submit(same, 'first token')

    await submit(same, 'second token')

    expect(workflow.answers.get('second token')).toMatchObject({ kind: 'success' })
  })

  it.each<readonly [what: string, seconds: number, reason: string]>([
    ['takes too long', 31, 'copy-too-slow'],
    ['fails', 0, 'copy-failed'],
  ])('submits a run when copying outputs %s', async (_, seconds, reason) => {
    const { runs, runIds, submit, objects, identity } = await aSet({ reuse: true })
    const [same = ''] = runIds
    const { copy } = objects
    objects.copy = async (...copied) => {
      identity.advance(seconds)
      if (seconds === 0) throw new Error('the bucket is unavailable')
      return copy(...copied)
    }

    expect((await submit(same)).outcome).toBe('submitted')

    expect(await runs.find(same)).toMatchObject({ state: 'QUEUED', notReused: { reason } })
    expect(objects.keys().filter((key) => key.startsWith(`task-run-outputs-${same}/`))).toEqual([])
  })

  it.each([
    [false, undefined, 'submitted'],
    [true, undefined, 'reused'],
    [true, false, 'submitted'],
  ])('with the stage setting %s and reuse %s has its run %s', async (reusesOutputs, reuse, outcome) => {
    const { runIds, submit } = await aSet(reuse === undefined ? {} : { reuse }, reusesOutputs)

    expect((await submit(runIds[0] ?? '')).outcome).toBe(outcome)
  })
})
