import type { TaskInput, TaskOutput } from '../../api/types.ts'
import { describeType } from './constraints.ts'

interface TablesProps {
  readonly inputs: readonly TaskInput[]
  readonly outputs: readonly TaskOutput[]
}

export function ParameterTables({ inputs, outputs }: TablesProps) {
  return (
    <>
      <ParameterTable
        title="Inputs"
        rows={inputs.map((input) => ({
          ...input,
          title: input.display_name,
          more: input.default === 'null' ? '' : `default ${input.default}`,
        }))}
      />
      <ParameterTable
        title="Outputs"
        rows={outputs.map((output) => ({
          ...output,
          title: output.displayName,
          more: output.derivedFrom === null ? '' : `of ${output.derivedFrom}`,
        }))}
      />
    </>
  )
}

type Row = Pick<TaskInput, 'id' | 'name' | 'description' | 'type' | 'optional'> & {
  readonly title: string
  readonly more: string
}

function ParameterTable({ title, rows }: { readonly title: string; readonly rows: readonly Row[] }) {
  if (rows.length === 0) return <p class="muted">No {title.toLowerCase()}.</p>
  return (
    <div class="scroll">
      <table class="rows">
        <caption>{title}</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Type</th>
            <th scope="col">Description</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ id, name, title: label, description, type, optional, more }) => (
            <tr key={id}>
              <th scope="row">
                {label}
                <br />
                <code>{name}</code>
              </th>
              <td>
                {describeType(type)}
                {optional && <span class="tag">optional</span>}
                {more !== '' && <p class="muted small-text">{more}</p>}
              </td>
              <td>{description}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
