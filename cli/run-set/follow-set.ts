import { setTimeout as wait } from 'node:timers/promises'
import { printable } from '../../src/contract/quoted.ts'
import type { Service } from '../service/service.ts'
import type { Stream, Terminal } from '../terminal/terminal.ts'
import { readSet, type SetView } from './set-view.ts'
import { costLine, countsLine } from './show-set.ts'

export interface FollowOptions {
  /** Whether to stop following. */
  readonly isReached: (view: SetView) => boolean
  /** Pause between two polls. */
  readonly pollMs?: number
}

const POLL_MS = 1500
/** Minimum time between two lines on a stream other than a terminal. */
const LINE_MS = 30_000
const BAR_WIDTH = 24
/** Maximum number of failure reasons below the bar. */
const MAX_REASONS = 3
const DEFAULT_COLUMNS = 80
const CHECKING = 'the table is being checked'

/** Shows the progress of a set until `isReached`. @returns the set as it was then */
export async function followSet(
  terminal: Terminal,
  service: Service,
  id: string,
  { isReached, pollMs = POLL_MS }: FollowOptions,
): Promise<SetView> {
  const display = terminal.stderr.isTTY === true ? liveDisplay(terminal.stderr) : lineDisplay(terminal)
  try {
    for (;;) {
      const view = await readSet(service, id)
      if (isReached(view)) return view
      display.show(view)
      await wait(pollMs)
    }
  } finally {
    display.clear()
  }
}

interface Display {
  show(view: SetView): void
  clear(): void
}

/** Rewrites the last lines of a terminal at each poll. */
function liveDisplay(stream: Stream): Display {
  let drawn = 0
  const clear = (): void => {
    if (drawn > 0) stream.write(`\u001b[${drawn}A\r\u001b[J`)
    drawn = 0
  }
  return {
    clear,
    show(view) {
      const columns = stream.columns ?? DEFAULT_COLUMNS
      // Lines are cut before they wrap: `clear` moves up by their number.
      const lines = linesOf(view).map((line) => printable(line, columns - 2))
      clear()
      stream.write(lines.map((line) => `${line}\n`).join(''))
      drawn = lines.length
    },
  }
}

/** Writes a line at each change of the state, and at most every {@link LINE_MS} at a change of the counts. */
function lineDisplay(terminal: Terminal): Display {
  let state = ''
  let line = ''
  let writtenAt = 0
  return {
    clear: () => {},
    show(view) {
      const next = `${view.state}  ${view.state === 'VALIDATING' ? CHECKING : countsLine(view)}`
      if (next === line || (view.state === state && Date.now() - writtenAt < LINE_MS)) return
      line = next
      state = view.state
      writtenAt = Date.now()
      terminal.note(next)
    },
  }
}

/** The bar with counts and cost, and the most frequent failures. */
export function linesOf(view: SetView): readonly string[] {
  const { rows, counts, state, failures = [] } = view
  if (state === 'VALIDATING') return [`${bar(0)}  ${CHECKING}`]
  const share = rows === 0 ? 0 : (rows - counts.waiting - counts.active) / rows
  return [
    `${bar(share)} ${String(Math.floor(100 * share)).padStart(3)} %  ${countsLine(view)}`,
    costLine(view),
    ...failures
      .slice(0, MAX_REASONS)
      .map(({ count, kind, message }) => `${String(count).padStart(5)} × ${kind}: ${message}`),
  ]
}

function bar(share: number): string {
  const full = Math.floor(share * BAR_WIDTH)
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}]`
}
