import type { Roll } from '../../local/batch/dice.ts'

/** What is done to a run besides starting it. */
export type RunIntent = 'complete' | 'fail' | 'cancel' | 'delete'

/** Tasks that runs are made of: the example and, for a run that shall fail, one that ends with the exit code it is told. */
export const TASKS = {
  example: { bundle: 'examples/add-and-echo/add-and-echo.zip', namespace: 'org.example.add-and-echo' },
  probe: { bundle: 'test/fixtures/probe-task/probe-task.zip', namespace: 'org.example.probe-task' },
} as const

/** One run, all of it decided before anything is started. */
export interface RunPlan {
  readonly number: number
  readonly intent: RunIntent
  readonly task: keyof typeof TASKS
  readonly inputs: Readonly<Record<string, number | string>>
  /** What a run must give that is FINISHED. */
  readonly outputs: Readonly<Record<string, number | string>>
  /** From the start to the cancelling or deleting. */
  readonly disturbAfterMs: number
}

const SHARES: readonly (readonly [RunIntent, number])[] = [
  ['fail', 0.07],
  ['cancel', 0.07],
  ['delete', 0.07],
]
/** While so many runs wait, this reaches every state of a run. */
const LONGEST_BEFORE_DISTURBING_MS = 20_000
export const FAILING_EXIT_CODE = 1
/** Some texts are objects in the bucket: what is larger than 4 KB does not lie in the table. */
const LONGEST_TEXT = 6000

/** The plans of all runs. */
export function planRuns(count: number, roll: Roll): readonly RunPlan[] {
  return Array.from({ length: count }, (_, number): RunPlan => {
    const intent = chooseIntent(roll('run intent'))
    const whole = (name: string, limit: number): number => Math.floor(roll(name) * limit)
    const [a, b] = [whole('run a', 1000), whole('run b', 1000)]
    const text = `run ${number}`.padEnd(whole('run text', LONGEST_TEXT), '.')
    const disturbAfterMs = whole('run disturbance', LONGEST_BEFORE_DISTURBING_MS)
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
