import type { Run, StateEntered, Timings } from '../../api/types.ts'
import { formatDuration, secondsBetween } from '../../ui/format.ts'
import { State, Time, useTick } from '../../ui/parts.tsx'
import { isFinal } from '../../ui/run-states.ts'

/** States of a run with their durations, and the phases of its job. */
export function Timeline({ run }: { readonly run: Run }) {
  useTick(!isFinal(run.state))
  const { history } = run
  return (
    <section class="card" aria-labelledby="timeline">
      <h2 id="timeline">Timeline</h2>
      {run.timings !== undefined && <Phases timings={run.timings} />}
      <ol class="timeline">
        {history.map((entered, at) => (
          <Step
            key={`${entered.state} ${entered.at}`}
            entered={entered}
            next={history[at + 1]}
            isLast={at === history.length - 1}
          />
        ))}
      </ol>
    </section>
  )
}

interface StepProps {
  readonly entered: StateEntered
  readonly next: StateEntered | undefined
  readonly isLast: boolean
}

function Step({ entered: { state, at, attempt }, next, isLast }: StepProps) {
  const hasEnded = isLast && isFinal(state)
  return (
    <li>
      <State state={state} />
      {attempt !== undefined && attempt > 1 && <span class="muted"> attempt {attempt}</span>}
      <span class="muted timeline-at">
        <Time at={at} />
      </span>
      <span class="number timeline-for">{hasEnded ? '' : formatDuration(secondsBetween(at, next?.at))}</span>
    </li>
  )
}

const PHASES: readonly { readonly key: keyof Timings; readonly title: string }[] = [
  { key: 'queueSeconds', title: 'queue' },
  { key: 'stageInSeconds', title: 'stage in' },
  { key: 'taskSeconds', title: 'task' },
  { key: 'stageOutSeconds', title: 'stage out' },
  { key: 'collectSeconds', title: 'collect' },
]

/** The phases as parts of a bar, with their times below. */
function Phases({ timings }: { readonly timings: Timings }) {
  const known = PHASES.flatMap(({ key, title }) => {
    const seconds = timings[key]
    return seconds === undefined ? [] : [{ key, title, seconds }]
  })
  const total = known.reduce((sum, { seconds }) => sum + seconds, 0)
  if (known.length === 0) return null
  return (
    <div class="phases">
      <div class="phase-bar" aria-hidden="true">
        {known.map(({ key, seconds }) => (
          <span
            key={key}
            class={`phase phase-${key}`}
            style={{ flexGrow: String(Math.max(seconds, total / 60)) }}
          />
        ))}
      </div>
      <ul class="plain phase-list">
        {known.map(({ key, title, seconds }) => (
          <li key={key}>
            <span class={`phase-key phase-${key}`} />
            {title} <span class="number">{formatDuration(seconds)}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}
