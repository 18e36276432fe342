import { useEffect, useRef } from 'preact/hooks'
import { listSetRuns } from '../../api/run-sets.ts'
import type { RunSet, SetRun } from '../../api/types.ts'
import { addressOf, changeQuery } from '../../router.ts'
import { useConfig } from '../../settings.ts'
import { formatMoney, shortId } from '../../ui/format.ts'
import { Pages } from '../../ui/pages.tsx'
import { Duration, Empty, Loading, State, Time } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'
import { RowError } from '../../ui/row-error.tsx'
import { type Column, RowsTable } from '../../ui/rows-table.tsx'
import { isFinal } from '../../ui/run-states.ts'
import { useData } from '../../ui/use-data.ts'

const COLUMNS: readonly Column[] = [
  'Run',
  'State',
  'Changed',
  { title: 'Duration', style: 'right' },
  { title: 'Cost', style: 'right' },
  'Reason',
]

const STATES = [
  { value: '', title: 'Any state' },
  { value: 'PROVISIONED', title: 'Waiting' },
  { value: 'RUNNING', title: 'Running' },
  { value: 'FINISHED', title: 'Finished' },
  { value: 'FAILED', title: 'Failed' },
] as const

interface RunsProps {
  readonly set: RunSet
  readonly query: URLSearchParams
}

/** The latest run of each row, read again when the counts or the cost of the set change. */
export function SetRuns({ set: { id, counts, cost, round }, query }: RunsProps) {
  const state = query.get('state') ?? ''
  const cursor = query.get('cursor') ?? undefined
  const runs = useData((signal) => listSetRuns(id, { state, cursor }, signal), [id, state, cursor])
  const version = JSON.stringify([round, counts, cost.usd])
  const drawn = useRef(version)
  useEffect(() => {
    if (drawn.current !== version) runs.reload()
    drawn.current = version
  }, [version])
  const rows = runs.data?.content ?? []
  return (
    <section class="set-runs" aria-labelledby="set-runs">
      <div class="title-row">
        <h2 id="set-runs">Runs</h2>
        <select
          aria-label="State of the runs"
          value={state}
          onChange={({ currentTarget }) => changeQuery({ state: currentTarget.value, cursor: undefined })}
        >
          {STATES.map(({ value, title }) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
      </div>
      {runs.error !== undefined && <Problem error={runs.error} title="The runs cannot be listed." />}
      {runs.data === undefined && runs.error === undefined && <Loading what="runs" />}
      {runs.data !== undefined && rows.length === 0 && <NoRuns id={id} state={state} />}
      {rows.length > 0 && <Table rows={rows} />}
      <Pages next={runs.data?.next} isFirst={cursor === undefined} first="First" further="Next" />
    </section>
  )
}

function NoRuns({ id, state }: { readonly id: string; readonly state: string }) {
  if (state === '') {
    return (
      <Empty title="There are no runs yet.">
        <p>They appear here once the table is checked.</p>
      </Empty>
    )
  }
  return (
    <Empty title="No run is in this state.">
      <p>
        <a href={addressOf(['sets', id])}>Show all runs of the set</a>
      </p>
    </Empty>
  )
}

function Table({ rows }: { readonly rows: readonly SetRun[] }) {
  return (
    <RowsTable caption="The latest run of each row" columns={COLUMNS}>
      {rows.map((row) => (
        <Row key={row.row} run={row} />
      ))}
    </RowsTable>
  )
}

function Row({
  run: { row, runId, state, updatedAt, startedAt, endedAt, reusedFrom, error, cost },
}: {
  readonly run: SetRun
}) {
  const { currency } = useConfig()
  return (
    <tr>
      <td>
        <a href={addressOf(['runs', runId])}>Row {row}</a>
      </td>
      <td>
        <State state={state} />
      </td>
      <td>{updatedAt !== null && <Time at={updatedAt} />}</td>
      <td class="right">
        {startedAt !== undefined && (endedAt !== undefined || !isFinal(state)) && (
          <Duration from={startedAt} to={endedAt} />
        )}
      </td>
      <td class="right number">{cost === undefined ? '' : formatMoney(cost.usd, currency)}</td>
      <td class="reason">
        {reusedFrom !== undefined && (
          <>
            outputs of <a href={addressOf(['runs', reusedFrom])}>run {shortId(reusedFrom)}</a>
          </>
        )}
        {error !== undefined && <RowError {...error} />}
      </td>
    </tr>
  )
}
