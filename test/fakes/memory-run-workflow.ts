import type { RunWorkflow } from '../../src/run/run-workflow.ts'

/** Answer of a task token. */
type TokenAnswer =
  | { readonly kind: 'success'; readonly output: unknown }
  | { readonly kind: 'failure'; readonly error: string; readonly cause: string }

/** Run workflow with functions for tests. */
export interface MemoryRunWorkflow extends RunWorkflow {
  readonly startedRuns: ReadonlySet<string>
  /** The first answer of each token. */
  readonly answers: ReadonlyMap<string, TokenAnswer>
  /** Causes of stopped executions, by run id. */
  readonly stoppedRuns: ReadonlyMap<string, string>
  /** Ends the run's execution with this status. */
  end(runId: string, status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT'): void
}

/** In-memory run workflow for tests. It only records executions. */
export function createMemoryRunWorkflow(): MemoryRunWorkflow {
  const startedRuns = new Set<string>()
  const answers = new Map<string, TokenAnswer>()
  const stoppedRuns = new Map<string, string>()
  const ends = new Map<string, string>()
  const answer = (taskToken: string, given: TokenAnswer): void => {
    if (!answers.has(taskToken)) answers.set(taskToken, structuredClone(given))
  }

  return {
    startedRuns,
    answers,
    stoppedRuns,

    end(runId, status) {
      if (startedRuns.has(runId) && !ends.has(runId)) ends.set(runId, status)
    },

    async start(runId) {
      startedRuns.add(runId)
    },

    async succeedToken(taskToken, output) {
      answer(taskToken, { kind: 'success', output })
    },

    async failToken(taskToken, error, cause) {
      answer(taskToken, { kind: 'failure', error, cause })
    },

    async stop(runId, cause) {
      if (!startedRuns.has(runId) || ends.has(runId)) return
      stoppedRuns.set(runId, cause)
      ends.set(runId, 'ABORTED')
    },

    async findStatus(runId) {
      return startedRuns.has(runId) ? (ends.get(runId) ?? 'RUNNING') : undefined
    },

    async *listRunning() {
      yield* [...startedRuns].filter((runId) => !ends.has(runId))
    },
  }
}
