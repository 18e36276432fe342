import { placeInSet } from '../../../../src/contract/set-run-id.ts'
import { path } from '../../api/paths.ts'
import { readTask } from '../../api/tasks.ts'
import type { Run } from '../../api/types.ts'
import { addressOf, type Place } from '../../router.ts'
import { useConfig } from '../../settings.ts'
import { formatMemory, formatMoney, shortId } from '../../ui/format.ts'
import { Missing } from '../../ui/missing.tsx'
import { CopyButton, Duration, Loading, State, Time } from '../../ui/parts.tsx'
import { PageProblem, Problem } from '../../ui/problem.tsx'
import { isFinal } from '../../ui/run-states.ts'
import { useData } from '../../ui/use-data.ts'
import { useTitle } from '../../ui/use-title.ts'
import { FailureCard } from './failure-card.tsx'
import { LogView } from './log-view.tsx'
import { RunActions } from './run-actions.tsx'
import { wordsForNoCost } from './run-record.ts'
import { Snippets } from './snippets.tsx'
import { Timeline } from './timeline.tsx'
import { useRun } from './use-run.ts'
import { RunValues } from './values/run-values.tsx'

export function RunPage({ place: { segments } }: { readonly place: Place }) {
  const id = segments[1] ?? ''
  const { data: run, error, log, isMissing } = useRun(id)
  const task = run?.task
  const whole = useData(
    async (signal) => (task === undefined ? undefined : readTask(task, signal)),
    [task?.id],
  )
  useTitle(titleOf(id, isMissing ? 'missing' : run?.state), task?.name)
  if (isMissing) return <Missing what="run" id={id} wasShown={run !== undefined} listAddress="#/runs" />
  if (error !== undefined && run === undefined)
    return <PageProblem error={error} title={`Run ${shortId(id)} cannot be shown.`} />
  if (run === undefined) return <Loading what="the run" />
  return (
    <>
      <RunHead run={run} />
      {run.error !== undefined && <FailureCard run={run} failure={run.error} />}
      {run.statusReason !== undefined && !isFinal(run.state) && (
        <div class="card waiting-card" role="status">
          <strong>Waiting.</strong> {run.statusReason}
        </div>
      )}
      <div class="columns">
        <div class="main-column">
          {run.state !== 'FINISHED' && <LogView log={log} run={run} />}
          {whole.error !== undefined && <Problem error={whole.error} title="The task cannot be shown." />}
          {run.state === 'FINISHED' && <RunValues run={run} kind="outputs" whole={whole.data} />}
          {run.state === 'CREATED' ? (
            <section class="card" aria-labelledby="inputs">
              <h2 id="inputs">Inputs</h2>
              <p class="muted">Inputs are shown once all required ones are given.</p>
            </section>
          ) : (
            <RunValues run={run} kind="inputs" whole={whole.data} />
          )}
          {run.state === 'FINISHED' && <LogView log={log} run={run} />}
          {run.state !== 'CREATED' && <Snippets run={run} />}
        </div>
        <aside class="side-column">
          <Timeline run={run} />
          <Machine run={run} />
        </aside>
      </div>
    </>
  )
}

/** @param state undefined while the run is loading */
function titleOf(id: string, state: string | undefined): string {
  return `Run ${shortId(id)}${state === undefined ? '' : ` (${state.toLowerCase()})`}`
}

function RunHead({ run }: { readonly run: Run }) {
  const { id, state, task, createdAt, startedAt, endedAt, reusedFrom, notReused } = run
  const place = placeInSet(id)
  return (
    <header class="page-head">
      <div>
        <h1>
          <a href={addressOf(['tasks', task.namespace, task.version])}>{task.name}</a>{' '}
          <span class="tag">{task.version}</span> <State state={state} />
        </h1>
        <p class="muted">
          Run <code>{id}</code> <CopyButton text={id} label="Copy the id of the run" /> · created{' '}
          <Time at={createdAt} />
          {startedAt !== undefined && (
            <>
              {' · '}
              {endedAt === undefined ? 'running for ' : 'ran for '}
              <Duration from={startedAt} to={endedAt} />
            </>
          )}
          {place !== undefined && (
            <>
              {' · '}row {place.row + 1} of a <a href={addressOf(['sets', place.setId])}>run set</a>
            </>
          )}
          {reusedFrom !== undefined && (
            <>
              {' · not executed; its outputs are those of run '}
              <a href={addressOf(['runs', reusedFrom])}>{shortId(reusedFrom)}</a>
            </>
          )}
          {notReused !== undefined && ` · executed: ${notReused.message}`}
        </p>
      </div>
      <RunActions run={run} />
    </header>
  )
}

/** Requested resources and cost of the run. */
function Machine({ run }: { readonly run: Run }) {
  const { id, state, resources, cost, history } = run
  const { currency } = useConfig()
  const attempts = Math.max(0, ...history.map(({ attempt }) => attempt ?? 0))
  return (
    <section class="card" aria-labelledby="machine">
      <h2 id="machine">Machine and cost</h2>
      <dl class="facts">
        <dt>Requested</dt>
        <dd>
          {resources.cpus} CPU, {formatMemory(resources.memoryMiB)}
          {resources.gpus > 0 && `, ${resources.gpus} GPU`}
          {resources.internet && ', internet'}
        </dd>
        {cost !== undefined && (
          <>
            <dt>Charged</dt>
            <dd>
              {cost.vcpuSeconds} vCPU s, {cost.memoryGibSeconds} GiB s
              {cost.gpuSeconds > 0 && `, ${cost.gpuSeconds} GPU s`}
            </dd>
          </>
        )}
        <dt>Cost</dt>
        <dd>
          {cost === undefined ? (
            <span class="muted">{wordsForNoCost(run)}</span>
          ) : (
            <span title={`On-demand prices of ${cost.pricesOf}`}>
              about {formatMoney(cost.usd, currency)}
            </span>
          )}
        </dd>
        {attempts > 0 && (
          <>
            <dt>Attempts</dt>
            <dd>{attempts}</dd>
          </>
        )}
        {isFinal(state) && (
          <>
            <dt>Provenance</dt>
            <dd>
              <a
                href={`../task-runs/${path(id)}/ro-crate.zip`}
                title="Task, image digest, inputs and outputs with checksums"
              >
                RO-Crate
              </a>
            </dd>
          </>
        )}
      </dl>
    </section>
  )
}
