import type { Problems, SetCounts, SetState } from '../api/types.ts'
import { formatCount } from './format.ts'

/** Components that the pages of run sets share. */

const KINDS: Readonly<Record<SetState, string>> = {
  VALIDATING: 'waiting',
  RUNNING: 'active',
  FINISHED: 'good',
  FAILED: 'bad',
  CANCELLED: 'idle',
}

const MEANINGS: Readonly<Record<SetState, string>> = {
  VALIDATING: 'Its table is being checked, and its runs are being created',
  RUNNING: 'Its runs are being started, up to its maximum at a time',
  FINISHED: 'All of its runs have ended',
  FAILED: 'No run was started, or the service could not continue',
  CANCELLED: 'It was cancelled',
}

export function SetStateTag({ state }: { readonly state: SetState }) {
  return (
    <span class={`state state-${KINDS[state]}`} title={MEANINGS[state]}>
      {state.toLowerCase()}
    </span>
  )
}

const PARTS: readonly { readonly key: keyof SetCounts; readonly title: string }[] = [
  { key: 'finished', title: 'finished' },
  { key: 'failed', title: 'failed' },
  { key: 'active', title: 'active' },
  { key: 'waiting', title: 'waiting' },
  { key: 'skipped', title: 'skipped' },
]

/** Bar with the shares of finished, failed, active, waiting and skipped rows. */
export function ProgressBar({ counts, label }: { readonly counts: SetCounts; readonly label: string }) {
  const ended = counts.finished + counts.failed + counts.skipped
  const rows = ended + counts.active + counts.waiting
  const known = PARTS.filter(({ key }) => counts[key] > 0)
  return (
    <div
      class="set-bar"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={Math.max(1, rows)}
      aria-valuenow={ended}
      aria-valuetext={known.map(({ key, title }) => `${formatCount(counts[key])} ${title}`).join(', ')}
    >
      {known.map(({ key }) => (
        // Each part is at least 1 % wide, so that one failure of 10 000 is visible.
        <span
          key={key}
          class={`set-${key}`}
          style={{ flexGrow: String(Math.max(counts[key], rows / 100)) }}
        />
      ))}
    </div>
  )
}

/** Legend of the bar, with counts. */
export function ProgressCounts({ counts }: { readonly counts: SetCounts }) {
  return (
    <ul class="plain phase-list">
      {PARTS.filter(({ key }) => key !== 'skipped' || counts.skipped > 0).map(({ key, title }) => (
        <li key={key} title={key === 'skipped' ? 'The set ended before these rows had a run' : undefined}>
          <span class={`phase-key set-${key}`} />
          {title} <span class="number">{formatCount(counts[key])}</span>
        </li>
      ))}
    </ul>
  )
}

/** Problems of a table, value by value. */
export function ProblemTable({ problems: { count, content } }: { readonly problems: Problems }) {
  return (
    <div class="scroll">
      <table class="rows">
        <caption>
          {count > content.length
            ? `Problems: the first ${formatCount(content.length)} of ${formatCount(count)}`
            : 'Problems'}
        </caption>
        <thead>
          <tr>
            <th scope="col" class="right">
              Row
            </th>
            <th scope="col">Column</th>
            <th scope="col">Problem</th>
          </tr>
        </thead>
        <tbody>
          {content.map(({ row, column, message }) => (
            <tr key={`${row} ${column} ${message}`}>
              <td class="right number">{row ?? 'shared'}</td>
              <td>{column === null ? '' : <code>{column}</code>}</td>
              <td>{message}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
