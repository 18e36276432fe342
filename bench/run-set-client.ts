import { setTimeout as pause } from 'node:timers/promises'
import * as z from 'zod'
import { expectBelow, printFigure } from './figures.ts'
import { quantile } from './quantile.ts'

const setSchema = z.object({
  id: z.string(),
  state: z.string(),
  round: z.number(),
  counts: z.object({ waiting: z.number(), active: z.number(), finished: z.number(), failed: z.number() }),
  failures: z.array(z.object({ kind: z.string(), count: z.number() })).optional(),
})
export type SetView = z.infer<typeof setSchema>

const runsSchema = z.object({
  content: z.array(z.object({ runId: z.string(), state: z.string(), reusedFrom: z.string().optional() })),
  next: z.string().optional(),
})
export type SetRun = z.infer<typeof runsSchema>['content'][number]

/** States in which more runs may be created: rows count after their validation, and retried ones after their creation. */
const OPEN_STATES: readonly string[] = ['VALIDATING', 'RUNNING']

/** Whether all runs have ended. */
export function isEnded({ state, counts }: SetView): boolean {
  return !OPEN_STATES.includes(state) && counts.waiting + counts.active === 0
}

/** Durations of `GET run-sets/{id}`, in milliseconds. */
export interface AnswerTimes {
  readonly number: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Number of those over the target. */
  readonly slow: number
}

const POLL_MS = 500
const ANSWER_TARGET_MS = 200

/** Client of run sets that measures every read of a set. */
export function createRunSetClient(baseUrl: string) {
  const answersMs: number[] = []

  async function ask(path: string, method = 'GET', body?: object): Promise<unknown> {
    const headers = { 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(new URL(`run-sets${path}`, baseUrl), { method, headers, ...sent })
    if (!answer.ok) throw new Error(`${method} run-sets${path}: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }

  async function read(id: string): Promise<SetView> {
    const begin = performance.now()
    const view = setSchema.parse(await ask(`/${id}`))
    answersMs.push(performance.now() - begin)
    return view
  }

  return {
    read,
    create: async (wanted: object): Promise<SetView> => setSchema.parse(await ask('', 'POST', wanted)),
    act: async (id: string, action: 'cancel' | 'retry'): Promise<SetView> =>
      setSchema.parse(await ask(`/${id}/${action}`, 'POST')),

    /** Reads a set twice a second. */
    async waitFor(
      id: string,
      isReached: (view: SetView) => boolean,
      tell: (view: SetView) => void = () => {},
    ): Promise<SetView> {
      for (;;) {
        const view = await read(id)
        tell(view)
        if (isReached(view)) return view
        await pause(POLL_MS)
      }
    },

    /** Latest run of each row. */
    async runs(id: string): Promise<readonly SetRun[]> {
      const found: SetRun[] = []
      for (let after = ''; ; ) {
        const { content, next } = runsSchema.parse(await ask(`/${id}/runs?limit=200${after}`))
        found.push(...content)
        if (next === undefined) return found
        after = `&cursor=${encodeURIComponent(next)}`
      }
    },

    /** Durations of the reads since the last call. */
    takeTimes(): AnswerTimes {
      const taken = answersMs.splice(0)
      return {
        number: taken.length,
        p50: quantile(taken, 0.5),
        p99: quantile(taken, 0.99),
        max: Math.max(...taken),
        slow: taken.filter((ms) => ms >= ANSWER_TARGET_MS).length,
      }
    },
  }
}

export type RunSetClient = ReturnType<typeof createRunSetClient>

/** Prints durations, and sets the exit code 1 when the longest exceeds the target. */
export function reportTimes({ number, p50, p99, max, slow }: AnswerTimes): void {
  printFigure('GET run-sets/{id}: times', number, 'calls')
  printFigure('GET run-sets/{id}: median', p50, 'ms')
  printFigure('GET run-sets/{id}: 99th percentile', p99, 'ms')
  printFigure('GET run-sets/{id}: longest', max, 'ms')
  printFigure(`GET run-sets/{id}: from ${ANSWER_TARGET_MS} ms`, slow, 'calls')
  expectBelow('GET run-sets/{id}, longest', max, ANSWER_TARGET_MS)
}
