import type { RunRow } from '../../api/types.ts'
import { addressOf } from '../../router.ts'
import { useConfig } from '../../settings.ts'
import { formatMoney, shortId } from '../../ui/format.ts'
import { Duration, State, Time } from '../../ui/parts.tsx'
import { RowError } from '../../ui/row-error.tsx'
import { type Column, RowsTable } from '../../ui/rows-table.tsx'
import { isFinal } from '../../ui/run-states.ts'

const COLUMNS: readonly Column[] = [
  { title: 'Compare', style: 'hidden' },
  'State',
  'Run',
  'Task',
  'Created',
  { title: 'Duration', style: 'right' },
  { title: 'Cost', style: 'right' },
  'Reason',
]

interface TableProps {
  readonly rows: readonly RunRow[]
  readonly chosen: readonly string[]
  readonly onChoose: (id: string) => void
}

export function RunTable({ rows, chosen, onChoose }: TableProps) {
  return (
    <RowsTable caption="Runs, newest first" columns={COLUMNS}>
      {rows.map((row) => (
        <Row key={row.id} row={row} isChosen={chosen.includes(row.id)} onChoose={onChoose} />
      ))}
    </RowsTable>
  )
}

interface RowProps {
  readonly row: RunRow
  readonly isChosen: boolean
  readonly onChoose: (id: string) => void
}

function Row({ row, isChosen, onChoose }: RowProps) {
  const { id, state, task, createdAt, error, cost } = row
  const { currency } = useConfig()
  return (
    <tr class={isChosen ? 'chosen' : undefined}>
      <td>
        <input
          type="checkbox"
          aria-label={`Compare run ${shortId(id)}`}
          checked={isChosen}
          onChange={() => onChoose(id)}
        />
      </td>
      <td>
        <State state={state} />
      </td>
      <td>
        <a href={addressOf(['runs', id])} class="mono">
          {shortId(id)}
        </a>
      </td>
      <td>
        <a href={addressOf(['tasks', task.namespace, task.version])}>{task.name}</a>{' '}
        <span class="muted">{task.version}</span>
      </td>
      <td>
        <Time at={createdAt} />
      </td>
      <td class="right">
        <RunDuration row={row} />
      </td>
      <td class="right number">{cost === undefined ? '' : formatMoney(cost.usd, currency)}</td>
      <td class="reason">{error !== undefined && <RowError {...error} />}</td>
    </tr>
  )
}

/** Duration from the start of the task to its end; empty if the task was never started. */
function RunDuration({ row: { state, startedAt, endedAt } }: { readonly row: RunRow }) {
  if (startedAt === undefined) return null
  if (endedAt === undefined && isFinal(state)) return null
  return <Duration from={startedAt} to={endedAt} />
}
