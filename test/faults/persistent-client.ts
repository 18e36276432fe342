import { setTimeout as pause } from 'node:timers/promises'
import type { RunFailure } from '../../src/run/run.ts'
import { isActive, isFinal, type RunState } from '../../src/run/transitions.ts'
import { type RunPlan, TASKS } from './run-plan.ts'

export interface RunView {
  readonly id: string
  readonly state: RunState
  readonly error?: RunFailure
}

export interface SetView {
  readonly id: string
  readonly state: string
  readonly round: number
  readonly rows: number
  readonly counts: Readonly<Record<'waiting' | 'active' | 'finished' | 'failed' | 'skipped', number>>
}

/** Client that retries calls until they are answered. Before it retries the start of a run, it reads the run's state. */
export interface PersistentClient {
  /** Creates a run and starts it. @returns its id */
  start(plan: RunPlan): Promise<string>
  cancel(runId: string): Promise<void>
  remove(runId: string): Promise<void>
  /** Creates a run set with one row for each plan. All plans must have the same task. @returns its id */
  startSet(plans: readonly RunPlan[]): Promise<string>
  /** @returns undefined for a set that does not exist */
  viewSet(setId: string): Promise<SetView | undefined>
  cancelSet(setId: string): Promise<void>
  /** Waits until the set has ended, and retries it. */
  retrySet(setId: string): Promise<void>
  removeSet(setId: string): Promise<void>
  /** Ids of a set's runs, in the order of the rows. */
  runsOfSet(setId: string): Promise<readonly string[]>
  /** @returns undefined for a run that does not exist */
  view(runId: string): Promise<RunView | undefined>
  outputs(runId: string): Promise<Readonly<Record<string, unknown>>>
}

const PAUSE_MS = 250
const MAX_TRIES = 60
const TIMEOUT_MS = 60_000
/** Time limit of one round of a disturbed set. */
const MAX_SET_MS = 600_000

/** @param baseUrl URL of the edge */
export function createPersistentClient(baseUrl: string): PersistentClient {
  async function once(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await fetch(new URL(path, baseUrl), {
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    return new Response(response.status === 204 ? null : await response.arrayBuffer(), response)
  }

  /** Retries until there is a response that is not a server error. */
  async function call(method: string, path: string, body?: unknown): Promise<Response> {
    let last = ''
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const answer = await once(method, path, body).catch((error: unknown) => String(error))
      if (typeof answer !== 'string' && answer.status < 500) return answer
      last = typeof answer === 'string' ? answer : `${answer.status} ${await answer.text()}`
      await pause(PAUSE_MS)
    }
    throw new Error(`${method} ${path}: all ${MAX_TRIES} attempts failed, the last with: ${last}`)
  }

  async function callOk(method: string, path: string, body?: unknown): Promise<Response> {
    const answer = await call(method, path, body)
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }

  async function view(runId: string): Promise<RunView | undefined> {
    const answer = await call('GET', `task-runs/${runId}`)
    if (answer.status === 404) return undefined
    if (!answer.ok) throw new Error(`GET of run ${runId}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as RunView
  }

  async function viewSet(setId: string): Promise<SetView | undefined> {
    const answer = await call('GET', `run-sets/${setId}`)
    if (answer.status === 404) return undefined
    if (!answer.ok) throw new Error(`GET of run set ${setId}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as SetView
  }

  return {
    async startSet(plans) {
      const [first] = plans
      if (first === undefined) throw new Error('a set needs at least one row')
      const task = { namespace: TASKS[first.task].namespace, version: '1.0.0' }
      const rows = plans.map(({ inputs }) => inputs)
      // The retry after a lost response creates a second set, which ends as well.
      const answer = await callOk('POST', 'run-sets', { task, rows, maxConcurrency: 8 })
      return ((await answer.json()) as SetView).id
    },

    viewSet,

    async cancelSet(setId) {
      const answer = await call('POST', `run-sets/${setId}/cancel`)
      // 409: the set has already ended.
      if (!answer.ok && answer.status !== 409) throw new Error(`cancelling of set ${setId}: ${answer.status}`)
    },

    async retrySet(setId) {
      const before = await viewSet(setId)
      const giveUpAt = Date.now() + MAX_SET_MS
      for (let view = before; view?.round === before?.round; view = await viewSet(setId)) {
        if (Date.now() > giveUpAt) throw new Error(`run set ${setId} is ${view?.state} and cannot be retried`)
        // 409: the set has not ended yet, or an earlier try whose answer was lost was executed.
        const answer = await call('POST', `run-sets/${setId}/retry`)
        if (!answer.ok && answer.status !== 409) throw new Error(`retry of set ${setId}: ${answer.status}`)
        await pause(PAUSE_MS)
      }
    },

    removeSet: async (setId) => void (await callOk('DELETE', `run-sets/${setId}`)),

    async runsOfSet(setId) {
      const answer = await callOk('GET', `run-sets/${setId}/runs?limit=200`)
      const { content } = (await answer.json()) as { readonly content: readonly { readonly runId: string }[] }
      return content.map(({ runId }) => runId)
    },

    async start({ task, inputs }) {
      const { id } = (await (
        await callOk('POST', `tasks/${TASKS[task].namespace}/1.0.0/runs`)
      ).json()) as RunView
      const provisions = Object.entries(inputs).map(([parameterName, value]) => ({ parameterName, value }))
      await callOk('PUT', `task-runs/${id}/input-provisions`, provisions)
      for (;;) {
        // Retried only after reading the state, because a second start of a run is refused.
        const answer = await once('POST', `task-runs/${id}/state-actions`, { desired: 'RUNNING' }).catch(
          () => undefined,
        )
        if (answer?.ok) return id
        const run = await view(id)
        if (run !== undefined && (isActive(run.state) || isFinal(run.state))) return id
        if (answer !== undefined && answer.status < 500) {
          throw new Error(`start of run ${id}: ${answer.status} ${await answer.text()}`)
        }
        await pause(PAUSE_MS)
      }
    },

    async cancel(runId) {
      const answer = await call('POST', `task-runs/${runId}/state-actions`, { desired: 'CANCELLED' })
      // 403: the run has already ended.
      if (!answer.ok && answer.status !== 403) throw new Error(`cancelling of run ${runId}: ${answer.status}`)
    },

    async remove(runId) {
      const answer = await call('DELETE', `task-runs/${runId}`)
      // 404: an earlier attempt was executed.
      if (!answer.ok && answer.status !== 404) throw new Error(`deletion of run ${runId}: ${answer.status}`)
    },

    view,

    async outputs(runId) {
      const answer = await callOk('GET', `task-runs/${runId}/outputs`)
      const listed = (await answer.json()) as { readonly parameterName: string; readonly value: unknown }[]
      return Object.fromEntries(listed.map(({ parameterName, value }) => [parameterName, value]))
    },
  }
}
