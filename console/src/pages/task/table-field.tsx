import { useState } from 'preact/hooks'
import { MAX_TABLE_BYTES } from '../../../../src/contract/run-set-limits.ts'
import type { TaskInput } from '../../api/types.ts'
import { DropZone } from '../../ui/drop-zone.tsx'
import { formatBytes, formatCount, plural } from '../../ui/format.ts'
import { isSame, readTable, type Table, TableError } from './read-table.ts'

/** A table that the user has chosen. */
export interface ChosenTable {
  readonly file: File
  readonly table: Table
}

interface FieldProps {
  readonly inputs: readonly TaskInput[]
  readonly chosen: ChosenTable | undefined
  readonly problem: string | undefined
  readonly onChange: (chosen: ChosenTable | undefined) => void
}

/** Field for the table, which is dropped, chosen or pasted. */
export function TableField({ inputs, chosen, problem, onChange }: FieldProps) {
  const { text, dropped, unreadable, drop, paste, remove } = useTable(onChange)
  const wrong = unreadable ?? problem
  return (
    <div class={wrong === undefined ? 'field' : 'field wrong'}>
      <label for="table">Table</label>
      <p id="table-hint" class="hint">
        A row for each run, a column for each input that differs: CSV with a header, or JSON lines. Files are{' '}
        <code>upload:ID</code>, <code>run:ID/OUTPUT</code> or <code>s3://BUCKET/KEY</code>.
      </p>
      {dropped === undefined ? (
        <>
          <DropZone
            label="File with the table"
            hint="Drop a file here, or paste its text below."
            accept=".csv,.json,.jsonl,.ndjson,.txt,text/csv,application/json"
            onFiles={([file]) => file !== undefined && void drop(file)}
          />
          <textarea
            id="table"
            class="mono"
            rows={5}
            aria-describedby="table-hint"
            aria-invalid={wrong !== undefined}
            placeholder={inputs
              .slice(0, 3)
              .map(({ name }) => name)
              .join(',')}
            value={text}
            onInput={({ currentTarget }) => paste(currentTarget.value)}
          />
        </>
      ) : (
        <p>
          {dropped.name} <span class="muted">{formatBytes(dropped.size)}</span>{' '}
          <button type="button" id="table" class="quiet small" aria-label="Remove the table" onClick={remove}>
            Remove
          </button>
        </p>
      )}
      {wrong !== undefined && (
        <p class="bad field-problem" role="alert" tabIndex={-1}>
          {wrong}
        </p>
      )}
      {chosen !== undefined && <Sketch table={chosen.table} inputs={inputs} />}
    </div>
  )
}

/** State of the field. */
interface Taken {
  readonly text: string
  readonly dropped: File | undefined
  /** Error message for a table that cannot be read. */
  readonly unreadable: string | undefined
  readonly drop: (file: File) => Promise<void>
  readonly paste: (text: string) => void
  readonly remove: () => void
}

function useTable(onChange: FieldProps['onChange']): Taken {
  const [text, setText] = useState('')
  const [dropped, setDropped] = useState<File>()
  const [unreadable, setUnreadable] = useState<string>()
  const take = (file: File, content: string): void => {
    const { table, words } = tableOf(content)
    setUnreadable(words)
    onChange(table && { file, table })
  }
  const remove = (): void => {
    setDropped(undefined)
    setUnreadable(undefined)
    setText('')
    onChange(undefined)
  }
  return {
    text,
    dropped,
    unreadable,
    remove,
    async drop(file) {
      setDropped(file)
      if (file.size <= MAX_TABLE_BYTES) return take(file, await file.text())
      setUnreadable(
        `The file has ${formatBytes(file.size)}; a table has at most ${formatBytes(MAX_TABLE_BYTES)}.`,
      )
      onChange(undefined)
    },
    paste(content) {
      if (content.trim() === '') return remove()
      setText(content)
      take(new File([content], 'pasted-table.txt'), content)
    },
  }
}

function tableOf(content: string): { readonly table?: Table; readonly words?: string } {
  try {
    return { table: readTable(content) }
  } catch (error) {
    if (error instanceof TableError) return { words: error.message }
    throw error
  }
}

/** Columns and first rows of the table, by which the user recognises a wrong file. */
function Sketch({
  table: { format, columns, rows, sample },
  inputs,
}: {
  table: Table
  inputs: FieldProps['inputs']
}) {
  const unknown = columns.filter((column) => !inputs.some(({ name }) => isSame(name, column)))
  return (
    <div class="table-sketch">
      <p role="status">
        {format} with {plural(rows, 'row')} and {plural(columns.length, 'column')}.
      </p>
      {unknown.length > 0 && (
        <p class="bad">
          The task has no input{' '}
          {unknown
            .slice(0, 5)
            .map((column) => `“${column}”`)
            .join(', ')}
          .{unknown.some((column) => /[;\t]/u.test(column)) && ' Separate the columns of a CSV with commas.'}
        </p>
      )}
      <div class="scroll">
        <table class="rows">
          <caption class="visually-hidden">Beginning of the table</caption>
          <thead>
            <tr>
              <th scope="col" class="right">
                Row
              </th>
              {columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sample.map((cells, at) => (
              <tr key={`${at}`}>
                <td class="right number">{at + 1}</td>
                {cells.map((cell, column) => (
                  <td key={columns[column]}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows > sample.length && (
        <p class="muted small-text">… and {formatCount(rows - sample.length)} more.</p>
      )}
    </div>
  )
}
