import { Choices } from '../../ui/parts.tsx'
import { JSON_TYPE } from './call-operation.ts'
import type { Operation, Schema } from './document.ts'

const FORM_TYPE = 'multipart/form-data'

const TYPES = [
  { name: JSON_TYPE, title: 'JSON' },
  { name: FORM_TYPE, title: 'Files' },
] as const

type BodyType = (typeof TYPES)[number]['name']

/** Types of the body that the page can send, the preferred one first. */
export function bodyTypesOf({ requestBody }: Operation): BodyType[] {
  return TYPES.map(({ name }) => name).filter((name) => requestBody?.content[name] !== undefined)
}

interface BodyProps {
  readonly id: string
  readonly operation: Operation
  readonly type: BodyType
  readonly json: string
  readonly onType: (type: BodyType) => void
  readonly onJson: (json: string) => void
}

/** Fields of a body: a text of JSON, or a file for each part of a form. */
export function BodyFields({ id, operation, type, json, onType, onJson }: BodyProps) {
  const types = bodyTypesOf(operation)
  return (
    <>
      {types.length > 1 && (
        <Choices
          label="Type of the body"
          tabs={TYPES.filter(({ name }) => types.includes(name))}
          chosen={type}
          onChoose={onType}
        />
      )}
      {type === JSON_TYPE ? (
        <div class="field">
          <label for={`${id}-body`}>Body</label>
          <textarea
            id={`${id}-body`}
            class="mono"
            rows={Math.min(10, json.split('\n').length + 1)}
            value={json}
            onInput={({ currentTarget }) => onJson(currentTarget.value)}
          />
        </div>
      ) : (
        <FileFields id={id} schema={operation.requestBody?.content[FORM_TYPE]?.schema} />
      )}
    </>
  )
}

function FileFields({ id, schema }: { readonly id: string; readonly schema: Schema | undefined }) {
  return Object.entries(schema?.properties ?? {}).map(([name, { description }]) => (
    <div key={name} class="field inline-field">
      <label for={`${id}-file-${name}`}>
        <code>{name}</code> <span class="muted">file</span>
      </label>
      <input
        id={`${id}-file-${name}`}
        type="file"
        name={name}
        required={schema?.required?.includes(name) === true}
        aria-describedby={`${id}-file-${name}-hint`}
      />
      <span id={`${id}-file-${name}-hint`} class="muted small-text">
        {description}
      </span>
    </div>
  ))
}

/** The chosen files of a form. An input without a file would be sent as an empty one. */
export function filesOf(form: HTMLFormElement): FormData {
  const files = new FormData(form)
  for (const [name, value] of [...files]) if (value instanceof File && value.name === '') files.delete(name)
  return files
}
