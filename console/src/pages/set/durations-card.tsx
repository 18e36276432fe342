import { useEffect, useRef } from 'preact/hooks'
import { firstSetRuns } from '../../api/run-sets.ts'
import type { RunSet, SetRun } from '../../api/types.ts'
import { formatCount, formatDuration, plural, secondsBetween } from '../../ui/format.ts'
import { Problem } from '../../ui/problem.tsx'
import { useData } from '../../ui/use-data.ts'
import { type Bar, barsOf, medianOf } from './durations.ts'

/** Maximum number of runs in the histogram; they are read by ten calls. */
const MAX_RUNS = 2000
/** How often the histogram is updated while the set runs: after each twentieth of its rows. */
const STEPS = 20

/** How long the runs took, from the start of their first container to their end. */
export function DurationsCard({ set: { id, rows, round, counts } }: { readonly set: RunSet }) {
  const runs = useData((signal) => firstSetRuns(id, MAX_RUNS, signal), [id, round])
  const ended = rows - counts.active - counts.waiting
  const step = ended === rows ? STEPS : Math.floor((ended * STEPS) / Math.max(1, rows))
  const drawn = useRef(step)
  useEffect(() => {
    if (drawn.current !== step) runs.reload()
    drawn.current = step
  }, [step])
  if (runs.error !== undefined && runs.data === undefined)
    return <Problem error={runs.error} title="The durations cannot be read." />
  const all = (runs.data ?? []).flatMap(lasted)
  if (all.length === 0) return null
  return (
    <section class="card" aria-labelledby="durations">
      <h2 id="durations">Durations</h2>
      <Histogram bars={barsOf(all)} words={wordsOf(all)} />
      <p class="muted small-text">
        {wordsOf(all)}
        {rows > MAX_RUNS && ` Of the first ${formatCount(MAX_RUNS)} rows.`}
      </p>
    </section>
  )
}

interface Lasted {
  readonly seconds: number
  readonly hasFailed: boolean
}

function lasted({ state, startedAt, endedAt }: SetRun): Lasted[] {
  if (startedAt === undefined || endedAt === undefined) return []
  return [{ seconds: secondsBetween(startedAt, endedAt), hasFailed: state === 'FAILED' }]
}

function wordsOf(all: readonly Lasted[]): string {
  const seconds = all.map((one) => one.seconds)
  const least = seconds.reduce((a, b) => Math.min(a, b))
  const most = seconds.reduce((a, b) => Math.max(a, b))
  return `${plural(all.length, 'run')}, from ${formatDuration(least)} to ${formatDuration(most)}, median ${formatDuration(medianOf(all) ?? 0)}.`
}

function Histogram({ bars, words }: { readonly bars: readonly Bar[]; readonly words: string }) {
  const tallest = Math.max(...bars.map(({ finished, failed }) => finished + failed))
  const [first, last] = [bars[0], bars.at(-1)]
  if (first === undefined || last === undefined) return null
  const height = (count: number): string => `${(100 * count) / tallest}%`
  return (
    <figure class="histogram">
      <div class="histogram-bars" role="img" aria-label={`Histogram of durations: ${words}`}>
        {bars.map(({ from, to, finished, failed }) => (
          <div
            key={from}
            class="histogram-bar"
            title={`${formatDuration(from)} to ${formatDuration(to)}: ${formatCount(finished)} finished, ${formatCount(failed)} failed`}
          >
            {failed > 0 && <span class="set-failed" style={{ height: height(failed) }} />}
            {finished > 0 && <span class="set-finished" style={{ height: height(finished) }} />}
          </div>
        ))}
      </div>
      <div class="histogram-axis small-text muted" aria-hidden="true">
        <span>{formatDuration(first.from)}</span>
        <span>{formatDuration(last.to)}</span>
      </div>
    </figure>
  )
}
