import { beforeEach, describe, expect, it } from 'vitest'
import type { RunWorkflow } from '../../src/run/run-workflow.ts'

/** Result of the step whose task token was answered. */
export type StepOutcome =
  | { readonly kind: 'success'; readonly output: unknown }
  | { readonly kind: 'failure'; readonly error: string; readonly cause: string }

interface RunWorkflowHarness {
  readonly workflow: RunWorkflow
  /** Ids of the runs of all executions. A run with two executions occurs twice. */
  listStartedRuns(): Promise<string[]>
  /** Starts a run and waits until its execution waits for a task token. @returns the token */
  startWaiting(runId: string): Promise<string>
  findOutcome(taskToken: string): Promise<StepOutcome | undefined>
  isStopped(runId: string): Promise<boolean>
}

const RUN = '22222222-2222-4222-8222-222222222222'
const OTHER = '33333333-3333-4333-8333-333333333333'

/** Time limit in milliseconds. Emulators on a busy machine take seconds for a step. */
const PATIENT = { timeout: 5000 }

/** Contract of every run workflow. `setUp` returns one without executions for each test. */
export function describeRunWorkflow(adapter: string, setUp: () => Promise<RunWorkflowHarness>): void {
  describe(`run workflow (${adapter})`, () => {
    let harness: RunWorkflowHarness
    let workflow: RunWorkflow

    beforeEach(async () => {
      harness = await setUp()
      workflow = harness.workflow
    })

    it('starts one execution per run, however often it is called', async () => {
      await workflow.start(RUN)
      await workflow.start(RUN)

      expect(await harness.listStartedRuns()).toEqual([RUN])
    })

    it('does not restart a run whose execution has ended', async () => {
      await harness.startWaiting(RUN)
      await workflow.stop(RUN, 'cancelled')

      await workflow.start(RUN)

      expect(await harness.listStartedRuns()).toEqual([RUN])
    })

    it('answers a token with an output', async () => {
      const token = await harness.startWaiting(RUN)

      await workflow.succeedToken(token, { runId: RUN })

      await expect
        .poll(() => harness.findOutcome(token), PATIENT)
        .toEqual({ kind: 'success', output: { runId: RUN } })
    })

    it('answers a token with a failure', async () => {
      const token = await harness.startWaiting(RUN)

      await workflow.failToken(token, 'task-failed', 'the task ended with code 3')

      await expect
        .poll(() => harness.findOutcome(token), PATIENT)
        .toEqual({ kind: 'failure', error: 'task-failed', cause: 'the task ended with code 3' })
    })

    it('keeps the first answer of a token', async () => {
      const token = await harness.startWaiting(RUN)
      await workflow.succeedToken(token, { runId: RUN })
      await expect.poll(() => harness.findOutcome(token), PATIENT).toMatchObject({ kind: 'success' })

      await workflow.failToken(token, 'late', 'late')
      await workflow.succeedToken(token, 'late')

      expect(await harness.findOutcome(token)).toEqual({ kind: 'success', output: { runId: RUN } })
    })

    it('stops the execution of a run', async () => {
      await harness.startWaiting(RUN)

      await workflow.stop(RUN, 'cancelled')

      await expect.poll(() => harness.isStopped(RUN), PATIENT).toBe(true)
    })

    it('returns the status of the execution of a run', async () => {
      await harness.startWaiting(RUN)

      expect(await workflow.findStatus('never-started')).toBeUndefined()
      expect(await workflow.findStatus(RUN)).toBe('RUNNING')
      await workflow.stop(RUN, 'cancelled')
      await expect.poll(() => workflow.findStatus(RUN), PATIENT).toBe('ABORTED')
    })

    it('lists the runs whose executions are in progress', async () => {
      await harness.startWaiting(RUN)
      await harness.startWaiting(OTHER)
      await workflow.stop(OTHER, 'cancelled')

      await expect.poll(() => Array.fromAsync(workflow.listRunning()), PATIENT).toEqual([RUN])
    })

    it('does nothing to stop an execution that has ended or never existed', async () => {
      await harness.startWaiting(RUN)
      await workflow.stop(RUN, 'cancelled')

      await expect(workflow.stop(RUN, 'again')).resolves.toBeUndefined()
      await expect(workflow.stop('never-started', 'cancelled')).resolves.toBeUndefined()
    })
  })
}
