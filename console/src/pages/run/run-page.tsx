import { path } from '../../api/client.ts'
import { placeInSet } from '../../api/set-run-ids.ts'
import { readTask } from '../../api/tasks.ts'
import type { Run } from '../../api/types.ts'
import { addressOf, type Place } from '../../router.ts'
import { useConfig } from '../../settings.ts'
import { formatMemory, formatMoney, shortId } from '../../ui/format.ts'
import { CopyButton, Duration, Empty, isFinal, Loading, State, Time } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'
import { useData } from '../../ui/use-data.ts'
import { FailureCard } from './failure-card.tsx'
import { LogView } from './log-view.tsx'
import { RunActions } from './run-actions.tsx'
import { Snippets } from './snippets.tsx'
import { Timeline } from './timeline.tsx'
import { useRun } from './use-run.ts'
import { RunValues } from './values/run-values.tsx'

export function RunPage({ place: { segments } }: { readonly place: Place }) {
  const id = segments[1] ?? ''
  const { data: run, error, log, isRemoved } = useRun(id)
  const task = run?.task
  const whole = useData(
    async (signal) => (task === undefined ? undefined : readTask(task, signal)),
    [task?.id],
  )
  if (isRemoved) return <Removed />
  if (error !== undefined && run === undefined)
    return <Problem error={error} title={`Run ${shortId(id)} cannot be shown.`} />
  if (run === undefined) return <Loading what="the run" />
  return (
    <>
      <RunHead run={run} />
      {run.error !== undefined && <FailureCard run={run} failure={run.error} />}
      {run.statusReason !== undefined && !isFinal(run.state) && (
        <div class="card waiting-card" role="status">
          <strong>It waits.</strong> {run.statusReason}
        </div>
      )}
      <div class="columns">
        <div class="main-column">
          {run.state !== 'FINISHED' && <LogView log={log} run={run} />}
          {whole.error !== undefined && <Problem error={whole.error} title="The task cannot be shown." />}
          {run.state === 'FINISHED' && <RunValues run={run} kind="outputs" whole={whole.data} />}
          <RunValues run={run} kind="inputs" whole={whole.data} />
          {run.state === 'FINISHED' && <LogView log={log} run={run} />}
          {whole.data !== undefined && <Snippets run={run} inputs={whole.data.inputs} />}
        </div>
        <aside class="side-column">
          <Timeline run={run} />
          <Machine run={run} />
        </aside>
      </div>
    </>
  )
}

function Removed() {
  return (
    <Empty title="This run was deleted." isWhole>
      <p>
        <a href="#/runs">Show all runs</a>
      </p>
    </Empty>
  )
}

function RunHead({ run }: { readonly run: Run }) {
  const { id, state, task, createdAt, startedAt, endedAt, reusedFrom } = run
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
              {' · '}row {place.row} of a <a href={addressOf(['sets', place.setId])}>run set</a>
            </>
          )}
          {reusedFrom !== undefined && (
            <>
              {' · not executed: outputs of run '}
              <a href={addressOf(['runs', reusedFrom])}>{shortId(reusedFrom)}</a>
            </>
          )}
        </p>
      </div>
      <RunActions run={run} />
    </header>
  )
}

/** What the run asked for, and what it cost. */
function Machine({ run: { id, state, resources, cost, history, reusedFrom } }: { readonly run: Run }) {
  const { currency } = useConfig()
  const attempts = Math.max(0, ...(history ?? []).map(({ attempt }) => attempt ?? 0))
  return (
    <section class="card" aria-labelledby="machine">
      <h2 id="machine">Machine and cost</h2>
      <dl class="facts">
        {resources !== undefined && (
          <>
            <dt>Asked for</dt>
            <dd>
              {resources.cpus} CPU, {formatMemory(resources.memoryMiB)}
              {resources.gpus > 0 && `, ${resources.gpus} GPU`}
              {resources.internet && ', internet'}
            </dd>
          </>
        )}
        {cost?.vcpuSeconds !== undefined && (
          <>
            <dt>Charged</dt>
            <dd>
              {cost.vcpuSeconds} vCPU s, {cost.memoryGibSeconds} GiB s
              {cost.gpuSeconds ? `, ${cost.gpuSeconds} GPU s` : ''}
            </dd>
          </>
        )}
        <dt>Cost</dt>
        <dd>
          {cost === undefined ? (
            <span class="muted">
              {reusedFrom === undefined ? 'known when the job has ended' : 'none, as it was not executed'}
            </span>
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
