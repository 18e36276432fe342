import { useRef } from 'preact/hooks'
import { MAX_ARCHIVE_RUNS } from '../../../../src/contract/run-set-limits.ts'
import { isNotFound } from '../../api/client.ts'
import { isOpen } from '../../api/open-sets.ts'
import { readSet, setFile } from '../../api/run-sets.ts'
import type { RunSet } from '../../api/types.ts'
import { addressOf, type Place } from '../../router.ts'
import { useConfig } from '../../settings.ts'
import { formatCount, formatMoney, plural, shortId } from '../../ui/format.ts'
import { Missing } from '../../ui/missing.tsx'
import { CopyButton, Loading, Time } from '../../ui/parts.tsx'
import { PageProblem, Problem } from '../../ui/problem.tsx'
import { ProblemTable, ProgressBar, ProgressCounts, SetStateTag } from '../../ui/set-parts.tsx'
import { type Loaded, useData } from '../../ui/use-data.ts'
import { usePolling } from '../../ui/use-polling.ts'
import { useTitle } from '../../ui/use-title.ts'
import { LATE_COST_MS } from '../run/run-record.ts'
import { DurationsCard } from './durations-card.tsx'
import { FailuresCard } from './failures-card.tsx'
import { isRefused } from './retry-words.ts'
import { SetActions } from './set-actions.tsx'
import { SetRuns } from './set-runs.tsx'

const POLL_MS = 2000
/** While jobs of cancelled runs may end. */
const LATE_POLL_MS = 10_000

interface LiveSet extends Loaded<RunSet> {
  /** Whether the set does not exist, or no longer. */
  readonly isMissing: boolean
}

/** A run set: progress, failures, durations, cost, downloads and runs. */
export function SetPage({ place: { segments, query } }: { readonly place: Place }) {
  const id = segments[1] ?? ''
  const { data: set, error, reload, isMissing } = useSet(id)
  useTitle(titleOf(id, set, isMissing), set?.task?.name)
  if (isMissing) return <Missing what="run set" id={id} wasShown={set !== undefined} listAddress="#/sets" />
  if (set === undefined && error !== undefined)
    return <PageProblem error={error} title={`Run set ${shortId(id)} cannot be shown.`} />
  if (set === undefined) return <Loading what="the run set" />
  const { problems, failures = [], rows } = set
  return (
    <>
      <SetHead set={set} onChanged={reload} />
      {error !== undefined && <Problem error={error} />}
      {set.error !== undefined && (
        <section class="card failure" aria-label="Why the set failed">
          <p>
            <code class="kind">{set.error.kind}</code> {set.error.message}
          </p>
        </section>
      )}
      {problems !== undefined && <Refused set={set} problems={problems} />}
      {rows > 0 && !isRefused(set) && (
        <div class="columns">
          <div class="main-column">
            <section class="card" aria-labelledby="progress">
              <h2 id="progress">Progress</h2>
              <ProgressBar counts={set.counts} label="Progress" />
              <ProgressCounts counts={set.counts} />
            </section>
            {failures.length > 0 && <FailuresCard failures={failures} />}
            <SetRuns set={set} query={query} />
          </div>
          <aside class="side-column">
            <Cost set={set} />
            <DurationsCard set={set} />
            <Downloads set={set} />
          </aside>
        </div>
      )}
    </>
  )
}

function titleOf(id: string, set: RunSet | undefined, isMissing: boolean): string {
  const state = isMissing ? 'missing' : set?.state.toLowerCase()
  return `${set?.name ?? `Run set ${shortId(id)}`}${state === undefined ? '' : ` (${state})`}`
}

/** A set, polled while its runs may change, and until their jobs have ended, whose costs are recorded then. */
function useSet(id: string): LiveSet {
  const set = useData((signal) => readSet(id, signal), [id])
  const { data, error } = set
  const isMissing = isNotFound(error)
  const isActive = data !== undefined && isOpen(data)
  const activeAt = useRef<number>(undefined)
  if (isActive) activeAt.current = Date.now()
  const mayCostMore = activeAt.current !== undefined && Date.now() - activeAt.current < LATE_COST_MS
  const pauseMs = isActive ? POLL_MS : mayCostMore ? LATE_POLL_MS : undefined
  usePolling(set, isMissing ? undefined : pauseMs)
  return { ...set, isMissing }
}

function SetHead({ set, onChanged }: { readonly set: RunSet; readonly onChanged: () => void }) {
  const { id, name, state, task, createdAt, rows, maxConcurrency, reuse, round } = set
  return (
    <header class="page-head">
      <div>
        <h1>
          {name ?? `Run set ${shortId(id)}`} <SetStateTag state={state} />
        </h1>
        <p class="muted">
          {task !== null && (
            <>
              <a href={addressOf(['tasks', task.namespace, task.version])}>{task.name}</a> {task.version} ·{' '}
            </>
          )}
          {rows > 0 && `${plural(rows, 'row')}, at most ${formatCount(maxConcurrency)} concurrent · `}
          created <Time at={createdAt} />
          {reuse && ' · reuses results of equal runs'}
          {round > 1 && ` · retried ${round === 2 ? 'once' : `${round - 1} times`}`}
        </p>
        <p class="muted small-text">
          Run set <code>{id}</code> <CopyButton text={id} label="Copy the id of the run set" />
        </p>
      </div>
      <SetActions set={set} onChanged={onChanged} />
    </header>
  )
}

interface RefusedProps {
  readonly set: RunSet
  readonly problems: NonNullable<RunSet['problems']>
}

function Refused({ set, problems }: RefusedProps) {
  const { task } = set
  return (
    <section class="problem" aria-label="Problems of the table">
      <p>
        <strong>No run was started{set.round > 1 && ` in round ${set.round}`}.</strong> The table has{' '}
        {plural(problems.count, 'problem')}.
        {task !== null && isRefused(set) && (
          <>
            {' '}
            Fix the table and{' '}
            <a href={addressOf(['tasks', task.namespace, task.version], { tab: 'set' })}>start a new set</a>.
          </>
        )}
      </p>
      <ProblemTable problems={problems} />
    </section>
  )
}

function Cost({ set }: { readonly set: RunSet }) {
  const { currency } = useConfig()
  const { usd, remainingUsd } = set.cost
  const about = (amount: number): string => `about ${formatMoney(amount, currency)}`
  return (
    <section class="card" aria-labelledby="set-cost">
      <h2 id="set-cost">Cost</h2>
      <dl class="facts">
        <dt>So far</dt>
        <dd>{about(usd)}</dd>
        {isOpen(set) && (
          <>
            <dt>Remaining</dt>
            <dd>
              {remainingUsd === undefined ? (
                <span class="muted">known when the first run has ended</span>
              ) : (
                <span title="From the mean of the runs that have ended">{about(remainingUsd)}</span>
              )}
            </dd>
          </>
        )}
      </dl>
    </section>
  )
}

function Downloads({ set: { id, counts } }: { readonly set: RunSet }) {
  return (
    <section class="card" aria-labelledby="set-downloads">
      <h2 id="set-downloads">Downloads</h2>
      <p>
        <a href={setFile(id, 'outputs.csv')}>Table as CSV</a>{' '}
        <span class="muted small-text">states, costs, inputs, and outputs other than files</span>
      </p>
      {counts.finished > MAX_ARCHIVE_RUNS ? (
        <p class="muted small-text">
          An archive contains at most {MAX_ARCHIVE_RUNS} runs. Download the outputs of each run instead.
        </p>
      ) : (
        counts.finished > 0 && (
          <p>
            <a href={setFile(id, 'outputs.zip')}>All outputs as zip</a>{' '}
            <span class="muted small-text">a folder for each row</span>
          </p>
        )
      )}
    </section>
  )
}
