import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

/** Column of a table: its title, or title and explanation. */
type Column = string | { readonly title: string; readonly hint: string }

interface RowsProps {
  readonly label: string
  readonly count: number
  readonly columns: readonly Column[]
  /** Cells of a row; the first one identifies the row. */
  readonly cells: (at: number) => readonly ComponentChildren[]
  readonly chosen?: number | undefined
  readonly onChoose?: (at: number) => void
}

const ROW_PIXELS = 28
/** Number of rows that are rendered before and after the visible ones. */
const SPARE = 8
const MAX_VISIBLE = 14
/** Limit of the rows that can be reached, because browsers limit the height of elements to some millions of pixels. */
const MAX_ROWS = 400_000

/** A table that renders only the visible rows. The up and down keys select a row if rows are selectable. */
export function VirtualRows({ label, count, columns, cells, chosen, onChoose }: RowsProps) {
  const box = useRef<HTMLElement>(null)
  const [top, setTop] = useState(0)
  const rows = Math.min(count, MAX_ROWS)
  const height = Math.min(rows, MAX_VISIBLE) * ROW_PIXELS + ROW_PIXELS
  useEffect(() => {
    if (box.current !== null && chosen !== undefined) scrollToRow(box.current, chosen)
  }, [chosen])
  const first = Math.max(0, Math.floor(top / ROW_PIXELS) - SPARE)
  const last = Math.min(rows, first + MAX_VISIBLE + 2 * SPARE)
  const move = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step === 0 || onChoose === undefined) return
    event.preventDefault()
    onChoose(Math.min(rows - 1, Math.max(0, (chosen ?? -step) + step)))
  }
  return (
    <>
      <section
        ref={box}
        class="virtual"
        style={{ maxHeight: `${height}px` }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard (axe: scrollable-region-focusable)
        tabIndex={0}
        aria-label={label}
        onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
        onKeyDown={move}
      >
        <table aria-rowcount={count + 1}>
          <Head columns={columns} />
          <tbody>
            <Gap rows={first} columns={columns.length} />
            {Array.from({ length: last - first }, (_, offset) => first + offset).map((at) => (
              <tr
                key={at}
                aria-rowindex={at + 2}
                class={at === chosen ? 'chosen' : onChoose === undefined ? undefined : 'choosable'}
                onClick={() => onChoose?.(at)}
              >
                {cells(at).map((cell, column) => (
                  <td key={titleOf(columns[column])}>{cell}</td>
                ))}
              </tr>
            ))}
            <Gap rows={rows - last} columns={columns.length} />
          </tbody>
        </table>
      </section>
      {onChoose !== undefined && <Selection chosen={chosen} count={count} cells={cells} />}
    </>
  )
}

function titleOf(column: Column | undefined): string | undefined {
  return typeof column === 'string' ? column : column?.title
}

function Head({ columns }: Pick<RowsProps, 'columns'>) {
  return (
    <thead>
      <tr>
        {columns.map((column) => (
          <th key={titleOf(column)} scope="col" title={typeof column === 'string' ? undefined : column.hint}>
            {titleOf(column)}
          </th>
        ))}
      </tr>
    </thead>
  )
}

/** Tells screen readers which row is selected: the rows of a table have no state for it, and the focus stays on the table. */
function Selection({ chosen, count, cells }: Pick<RowsProps, 'chosen' | 'count' | 'cells'>) {
  return (
    <p class="visually-hidden" role="status">
      {chosen !== undefined && (
        <>
          Item {cells(chosen)[0]} is selected, row {chosen + 1} of {count}.
        </>
      )}
    </p>
  )
}

function scrollToRow(box: HTMLElement, row: number): void {
  const at = row * ROW_PIXELS
  const isVisible = at >= box.scrollTop && at + 2 * ROW_PIXELS <= box.scrollTop + box.clientHeight
  if (!isVisible) box.scrollTop = Math.max(0, at - box.clientHeight / 2)
}

/** Fills the space of rows that are not rendered. */
function Gap({ rows, columns }: { readonly rows: number; readonly columns: number }) {
  if (rows <= 0) return null
  return (
    <tr>
      <td colSpan={columns} class="gap" style={{ height: `${rows * ROW_PIXELS}px` }} />
    </tr>
  )
}
