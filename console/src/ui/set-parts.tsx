import type { Problems, SetCounts, SetState } from '../api/run-sets.ts'
import { formatCount } from './format.ts'

/** Parts that the pages of run sets share. */

const KINDS: Readonly<Record<SetState, string>> = {
  VALIDATING: 'waiting',
  RUNNING: 'active',
  FINISHED: 'good',
  FAILED: 'bad',
  CANCELLED: 'idle',
}

const MEANINGS: Readonly<Record<SetState, string>> = {
  VALIDATING: 'Its table is checked, and its runs are created',
  RUNNING: 'Its runs are started, as many at a time as it may have',
  FINISHED: 'All of its runs have ended',
  FAILED: 'No run was started, or the service could not go on',
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
]

/** Rows by what became of them, as parts of a bar. */
export function ProgressBar({ counts, label }: { readonly counts: SetCounts; readonly label: string }) {
  const ended = counts.finished + counts.failed
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
        // One failure of 10 000 must be seen.
        <span
          key={key}
          class={`set-${key}`}
          style={{ flexGrow: String(Math.max(counts[key], rows / 100)) }}
        />
      ))}
    </div>
  )
}

/** The counts behind the bar. */
export function ProgressCounts({ counts }: { readonly counts: SetCounts }) {
  return (
    <ul class="plain phase-list">
      {PARTS.map(({ key, title }) => (
        <li key={key}>
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
