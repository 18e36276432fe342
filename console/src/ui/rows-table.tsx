import type { ComponentChildren } from 'preact'

/** Column of a table: its title, or title and style. */
export type Column = string | { readonly title: string; readonly style: 'right' | 'hidden' }

interface RowsTableProps {
  /** Read by screen readers only. */
  readonly caption: string
  readonly columns: readonly Column[]
  readonly children: ComponentChildren
}

/** A table that scrolls horizontally if it is wider than the page. */
export function RowsTable({ caption, columns, children }: RowsTableProps) {
  return (
    <div class="scroll">
      <table class="rows">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>{columns.map(Head)}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}

function Head(column: Column) {
  if (typeof column === 'string') {
    return (
      <th key={column} scope="col">
        {column}
      </th>
    )
  }
  const { title, style } = column
  return style === 'right' ? (
    <th key={title} scope="col" class="right">
      {title}
    </th>
  ) : (
    <th key={title} scope="col" class="narrow">
      <span class="visually-hidden">{title}</span>
    </th>
  )
}
