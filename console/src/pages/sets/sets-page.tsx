import { isOpen } from '../../api/open-sets.ts'
import { listSets } from '../../api/run-sets.ts'
import type { ListedSet } from '../../api/types.ts'
import { addressOf, type Place } from '../../router.ts'
import { useConfig, useMayChange } from '../../settings.ts'
import { formatCount, formatMoney, shortId } from '../../ui/format.ts'
import { Pages } from '../../ui/pages.tsx'
import { Empty, Loading, Time } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'
import { type Column, RowsTable } from '../../ui/rows-table.tsx'
import { ProgressBar, SetStateTag } from '../../ui/set-parts.tsx'
import { useData } from '../../ui/use-data.ts'
import { usePolling } from '../../ui/use-polling.ts'
import { useTitle } from '../../ui/use-title.ts'

const COLUMNS: readonly Column[] = [
  'State',
  'Run set',
  'Task',
  'Created',
  'Progress',
  { title: 'Rows', style: 'right' },
  { title: 'Failed', style: 'right' },
  { title: 'Cost', style: 'right' },
]

const POLL_MS = 4000

/** All run sets, newest first. */
export function SetsPage({ place: { query } }: { readonly place: Place }) {
  useTitle('Run sets')
  const cursor = query.get('cursor') ?? undefined
  const sets = useData((signal) => listSets(cursor, signal), [cursor])
  const rows = sets.data?.content ?? []
  usePolling(sets, rows.some(isOpen) ? POLL_MS : undefined)
  return (
    <>
      <h1>Run sets</h1>
      {sets.error !== undefined && <Problem error={sets.error} title="The run sets cannot be listed." />}
      {sets.data === undefined && sets.error === undefined && <Loading what="run sets" />}
      {sets.data !== undefined && rows.length === 0 && <NoSets />}
      {rows.length > 0 && <SetTable rows={rows} />}
      <Pages next={sets.data?.next} isFirst={cursor === undefined} first="Newest" further="Older" />
    </>
  )
}

function NoSets() {
  const mayChange = useMayChange()
  return (
    <Empty title="There are no run sets yet.">
      <p>A run set runs a task on each row of a table.</p>
      {mayChange && (
        <p>
          Choose one of the <a href="#/tasks">tasks</a>, then “Start a run set”.
        </p>
      )}
    </Empty>
  )
}

function SetTable({ rows }: { readonly rows: readonly ListedSet[] }) {
  return (
    <RowsTable caption="Run sets, newest first" columns={COLUMNS}>
      {rows.map((row) => (
        <Row key={row.id} row={row} />
      ))}
    </RowsTable>
  )
}

function Row({ row: { id, name, task, state, createdAt, rows, counts, cost } }: { readonly row: ListedSet }) {
  const { currency } = useConfig()
  return (
    <tr>
      <td>
        <SetStateTag state={state} />
      </td>
      <td>
        <a href={addressOf(['sets', id])} class={name === null ? 'mono' : undefined}>
          {name ?? shortId(id)}
        </a>
      </td>
      <td>
        {task === null ? (
          <span class="muted">deleted</span>
        ) : (
          <>
            <a href={addressOf(['tasks', task.namespace, task.version])}>{task.name}</a>{' '}
            <span class="muted">{task.version}</span>
          </>
        )}
      </td>
      <td>
        <Time at={createdAt} />
      </td>
      <td class="set-progress">
        {/* The rows of a refused table are never run, so they have no progress. */}
        {(state !== 'FAILED' || counts.finished + counts.failed > 0) && (
          <ProgressBar counts={counts} label={`Progress of ${name ?? shortId(id)}`} />
        )}
      </td>
      <td class="right number">{formatCount(rows)}</td>
      <td class="right number">{counts.failed === 0 ? '' : formatCount(counts.failed)}</td>
      <td class="right number">{cost.usd === 0 ? '' : formatMoney(cost.usd, currency)}</td>
    </tr>
  )
}
