import { ArrayField } from './array-field.tsx'
import type { FieldProps } from './field-props.ts'
import { FileField } from './file-field.tsx'
import { GeometryField } from './geometry-field.tsx'

/** Field for a value of any type. */
export function Field(props: FieldProps) {
  switch (props.type.id) {
    case 'array':
      return <ArrayField {...props} type={props.type} Item={Field} />
    case 'image':
    case 'file':
      return <FileField {...props} type={props.type} />
    case 'geometry':
      return <GeometryField {...props} />
    default:
      return <SimpleField {...props} />
  }
}

function SimpleField({ id, label, describedBy, type, value, isOptional, isWrong, onChange }: FieldProps) {
  const text = typeof value === 'string' ? value : ''
  const common = {
    id,
    'aria-describedby': describedBy,
    'aria-invalid': isWrong,
    'aria-label': label,
    value: text,
  }
  const onText = ({ currentTarget }: { readonly currentTarget: { readonly value: string } }): void =>
    onChange(currentTarget.value)
  switch (type.id) {
    case 'boolean':
      return <Select {...common} values={['true', 'false']} isOptional={isOptional} onText={onText} />
    case 'enumeration':
      return <Select {...common} values={type.values} isOptional={isOptional} onText={onText} />
    case 'integer':
      return <input {...common} inputMode="numeric" autoComplete="off" class="short" onInput={onText} />
    case 'number':
      return <input {...common} inputMode="decimal" autoComplete="off" class="short" onInput={onText} />
    case 'datetime':
      return <DateTime common={common} text={text} onChange={onChange} />
    default:
      return <textarea {...common} rows={text.includes('\n') || text.length > 80 ? 5 : 1} onInput={onText} />
  }
}

interface SelectProps {
  readonly id: string
  readonly value: string
  readonly values: readonly string[]
  readonly isOptional: boolean
  readonly onText: (event: { readonly currentTarget: { readonly value: string } }) => void
}

function Select({ values, isOptional, onText, ...common }: SelectProps) {
  return (
    <select {...common} class="short" onChange={onText}>
      <option value="">{isOptional ? 'No value' : 'Choose …'}</option>
      {values.map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  )
}

interface DateTimeProps {
  readonly common: { readonly id: string; readonly 'aria-label': string }
  readonly text: string
  readonly onChange: (value: string) => void
}

/** Field for a local time; the UTC time that is sent is shown beside it. */
function DateTime({ common, text, onChange }: DateTimeProps) {
  const at = new Date(text)
  const isTime = !Number.isNaN(at.getTime())
  const local = isTime
    ? new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
    : ''
  return (
    <span class="pair">
      <input
        {...common}
        type="datetime-local"
        step={1}
        value={local}
        onInput={({ currentTarget }) => {
          const chosen = new Date(currentTarget.value)
          onChange(Number.isNaN(chosen.getTime()) ? '' : chosen.toISOString().replace('.000Z', 'Z'))
        }}
      />
      <span class="muted small-text mono">{isTime ? text : 'local time'}</span>
    </span>
  )
}
