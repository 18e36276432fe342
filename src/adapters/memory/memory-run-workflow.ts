import type { RunWorkflow } from '../../ports.ts'

/** How a task token was answered. */
type TokenAnswer =
  | { readonly kind: 'success'; readonly output: unknown }
  | { readonly kind: 'failure'; readonly error: string; readonly cause: string }

/** What tests may ask besides the port. */
export interface MemoryRunWorkflow extends RunWorkflow {
  readonly startedRuns: ReadonlySet<string>
  /** The first answer of each token. */
  readonly answers: ReadonlyMap<string, TokenAnswer>
  /** Causes by run id. */
  readonly stoppedRuns: ReadonlyMap<string, string>
}

/** A workflow that only keeps books, for tests. */
export function createMemoryRunWorkflow(): MemoryRunWorkflow {
  const startedRuns = new Set<string>()
  const answers = new Map<string, TokenAnswer>()
  const stoppedRuns = new Map<string, string>()
  const answer = (taskToken: string, given: TokenAnswer): void => {
    if (!answers.has(taskToken)) answers.set(taskToken, structuredClone(given))
  }

  return {
    startedRuns,
    answers,
    stoppedRuns,

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
      if (startedRuns.has(runId) && !stoppedRuns.has(runId)) stoppedRuns.set(runId, cause)
    },
  }
}
