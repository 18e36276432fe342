import { lastRuns } from '../../api/tasks.ts'
import { addressOf } from '../../router.ts'
import { useMayChange } from '../../settings.ts'
import { shortId } from '../../ui/format.ts'
import { State, Time } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'
import { useData } from '../../ui/use-data.ts'

const SHOWN = 8

export function TaskRuns({ taskId }: { readonly taskId: string }) {
  const runs = useData((signal) => lastRuns(taskId, SHOWN, signal), [taskId])
  const mayChange = useMayChange()
  return (
    <section class="card" aria-labelledby="last-runs">
      <h2 id="last-runs">Latest runs</h2>
      {runs.error !== undefined && <Problem error={runs.error} title="The latest runs cannot be shown." />}
      {runs.data?.length === 0 && (
        <p class="muted">{mayChange ? 'None yet. Fill in the form to start one.' : 'None yet.'}</p>
      )}
      <ul class="plain">
        {runs.data?.map(({ id, state, createdAt }) => (
          <li key={id} class="run-line">
            <State state={state} />
            <a href={addressOf(['runs', id])} class="mono">
              {shortId(id)}
            </a>
            <span class="muted">
              <Time at={createdAt} />
            </span>
          </li>
        ))}
      </ul>
      {(runs.data?.length ?? 0) > 0 && (
        <p>
          <a href={addressOf(['runs'], { task: taskId })}>All runs of this task</a>
        </p>
      )}
    </section>
  )
}
