import { JOB_FAILED, SUBMIT_ERRORS } from '../../../src/contract/workflow-errors.ts'
import type { RunWorkflow } from '../../../src/run/run-workflow.ts'
import type { ProcessEnd } from './processes.ts'

/** Calls a function of the service in a process of its own. */
type Call = (onEnd: (end: ProcessEnd) => void) => void

/** The functions that the state machine of lib/constructs/run-workflow.ts calls. */
export interface Steps {
  submitJob(runId: string, taskToken: string): Call
  collectOutputs(runId: string): Call
  failRun(runId: string, error: string, cause: string): Call
}

interface Execution {
  readonly runId: string
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED'
  /** Task token of the submission in progress. */
  token?: string
}

export interface SimulatedWorkflow extends RunWorkflow {
  readonly executions: ReadonlyMap<string, Execution>
  /** Pending retries, each as a function that ends its pause. */
  pauses(): readonly (() => void)[]
}

const MAX_TRIES = 6
const MAX_THROTTLES = 20

/** Step Functions with the retries of the state machine and without its time limit. */
export function createSimulatedWorkflow(steps: Steps): SimulatedWorkflow {
  const executions = new Map<string, Execution>()
  const tokens = new Map<string, { answer: (error: string | undefined, cause: string) => void }>()
  let paused: (() => void)[] = []
  let count = 0

  function retry(execution: Execution, next: () => void): void {
    paused.push(() => {
      if (execution.status === 'RUNNING') next()
    })
  }

  function submit(execution: Execution, tries: { calls: number; throttles: number }): void {
    count += 1
    const token = `token-${count}`
    execution.token = token
    const answer = (error: string | undefined, cause: string): void => {
      if (execution.status !== 'RUNNING' || !tokens.delete(token)) return
      const isThrottled = error === SUBMIT_ERRORS.throttled
      const next = {
        calls: tries.calls + (isThrottled ? 0 : 1),
        throttles: tries.throttles + (isThrottled ? 1 : 0),
      }
      const isEnd = error === JOB_FAILED || error === SUBMIT_ERRORS.refused
      if (error === undefined) collect(execution, 0)
      else if (isEnd || next.calls > MAX_TRIES || next.throttles > MAX_THROTTLES) {
        fail(execution, error, cause, 0)
      } else retry(execution, () => submit(execution, next))
    }
    tokens.set(token, { answer })
    steps.submitJob(
      execution.runId,
      token,
    )((end) => {
      if (end !== 'returned') answer('Lambda.Unknown', end)
    })
  }

  function collect(execution: Execution, tries: number): void {
    steps.collectOutputs(execution.runId)((end) => {
      if (execution.status !== 'RUNNING') return
      if (end === 'returned') execution.status = 'SUCCEEDED'
      else if (tries < MAX_TRIES) retry(execution, () => collect(execution, tries + 1))
      else fail(execution, 'Lambda.Unknown', end, 0)
    })
  }

  function fail(execution: Execution, error: string, cause: string, tries: number): void {
    steps.failRun(
      execution.runId,
      error,
      cause,
    )((end) => {
      if (execution.status !== 'RUNNING') return
      if (end === 'returned') execution.status = 'SUCCEEDED'
      else if (tries < MAX_TRIES) retry(execution, () => fail(execution, error, cause, tries + 1))
      else execution.status = 'FAILED'
    })
  }

  return {
    executions,
    pauses: () =>
      paused.map((next) => () => {
        paused = paused.filter((other) => other !== next)
        next()
      }),
    async start(runId) {
      if (executions.has(runId)) return
      const execution: Execution = { runId, status: 'RUNNING' }
      executions.set(runId, execution)
      submit(execution, { calls: 0, throttles: 0 })
    },
    async succeedToken(taskToken) {
      tokens.get(taskToken)?.answer(undefined, '')
    },
    async failToken(taskToken, error, cause) {
      tokens.get(taskToken)?.answer(error, cause)
    },
    async stop(runId) {
      const execution = executions.get(runId)
      // Some emulators fail in this way, which callers must tolerate.
      if (execution !== undefined && execution.status !== 'RUNNING')
        throw new Error('Execution is not running')
      if (execution !== undefined) execution.status = 'ABORTED'
    },
    async findStatus(runId) {
      return executions.get(runId)?.status
    },
    async *listRunning() {
      for (const { runId, status } of [...executions.values()]) if (status === 'RUNNING') yield runId
    },
  }
}
