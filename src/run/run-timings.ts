import { endedAt } from './entered-states.ts'
import type { Run } from './run.ts'

/** Durations of a run's phases in seconds; unknown ones are absent. */
export interface RunTimings {
  /** From submission to the first container. */
  readonly queueSeconds?: number
  /** Measured by the stager. */
  readonly stageInSeconds?: number
  /** From the end of stage-in to the start of stage-out, or to the end of a run that failed before. */
  readonly taskSeconds?: number
  /** Measured by the stager. */
  readonly stageOutSeconds?: number
  /** From the end of stage-out to the end of the run: Batch's end of the job, and the checks of the outputs. */
  readonly collectSeconds?: number
}

/** Phases of a run. Batch has no times of single containers, so the stager reports its own. */
export function timingsOf(run: Run): RunTimings {
  const { stageIn, stageOut, job, entered } = run
  const end = endedAt(run)
  const outStart = stageOut && Date.parse(stageOut.endedAt) - stageOut.seconds * 1000
  const all = {
    queueSeconds: job?.usage?.queueSeconds ?? between(entered.QUEUED?.at, entered.RUNNING?.at),
    stageInSeconds: stageIn?.seconds,
    taskSeconds: between(stageIn?.endedAt, outStart ?? entered.FAILED?.at),
    stageOutSeconds: stageOut?.seconds,
    collectSeconds: between(stageOut?.endedAt, end),
  }
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, seconds]) =>
      seconds === undefined ? [] : [[name, Number(seconds.toFixed(3))]],
    ),
  )
}

/** Undefined also when the clocks of two processes contradict each other, or when an earlier job attempt sent the report. */
function between(from: string | undefined, to: string | number | undefined): number | undefined {
  if (from === undefined || to === undefined) return undefined
  const seconds = ((typeof to === 'number' ? to : Date.parse(to)) - Date.parse(from)) / 1000
  return seconds < 0 ? undefined : seconds
}
