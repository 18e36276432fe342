import type { RandomSource } from '../../local/batch/seeded-random.ts'

/** Action on a run after its start. */
export type RunIntent = 'complete' | 'fail' | 'cancel' | 'delete'

/** Tasks of the runs: the example, and for runs that have to fail a task that exits with the code in its input. */
export const TASKS = {
  example: { bundle: 'examples/add-and-echo/add-and-echo.zip', namespace: 'org.example.add-and-echo' },
  probe: { bundle: 'test/fixtures/probe-task/probe-task.zip', namespace: 'org.example.probe-task' },
} as const

/** A run that is planned completely before the first run starts. */
export interface RunPlan {
  readonly number: number
  readonly intent: RunIntent
  readonly task: keyof typeof TASKS
  readonly inputs: Readonly<Record<string, number | string>>
  /** Expected outputs if the run is FINISHED. */
  readonly outputs: Readonly<Record<string, number | string>>
  /** Time from the start to the cancellation or deletion. */
  readonly disturbAfterMs: number
}

const SHARES: readonly (readonly [RunIntent, number])[] = [
  ['fail', 0.07],
  ['cancel', 0.07],
  ['delete', 0.07],
]
/** Long enough to reach every state of a run under this load. */
const MAX_BEFORE_DISTURBING_MS = 20_000
export const FAILING_EXIT_CODE = 1
/** Some texts exceed 4 KB, and are stored in the bucket instead of the table. */
const MAX_TEXT = 6000

export function planRuns(count: number, random: RandomSource): readonly RunPlan[] {
  return Array.from({ length: count }, (_, number): RunPlan => {
    const intent = chooseIntent(random('run intent'))
    const whole = (name: string, limit: number): number => Math.floor(random(name) * limit)
    const [a, b] = [whole('run a', 1000), whole('run b', 1000)]
    const text = `run ${number}`.padEnd(whole('run text', MAX_TEXT), '.')
    const disturbAfterMs = whole('run disturbance', MAX_BEFORE_DISTURBING_MS)
    const common = { number, intent, disturbAfterMs }
    return intent === 'fail'
      ? { ...common, task: 'probe', inputs: { exit_code: FAILING_EXIT_CODE }, outputs: {} }
      : { ...common, task: 'example', inputs: { a, b, text }, outputs: { sum: a + b, echo: text } }
  })
}

function chooseIntent(thrown: number): RunIntent {
  let sum = 0
  for (const [intent, share] of SHARES) {
    sum += share
    if (thrown < sum) return intent
  }
  return 'complete'
}
