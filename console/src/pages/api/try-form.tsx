import { useId, useState } from 'preact/hooks'
import { BASE } from '../../api/client.ts'
import { formatBytes } from '../../ui/format.ts'
import { Problem } from '../../ui/problem.tsx'
import { ScrollBox } from '../../ui/scroll-box.tsx'
import type { OpenApi, Operation, Parameter } from './document.ts'
import { sampleOf } from './sample.ts'

interface TryProps {
  readonly document: OpenApi
  readonly operation: Operation
}

interface Answer {
  readonly status: number
  readonly milliseconds: number
  readonly type: string
  readonly text: string
}

/** Maximum number of characters of a response that are shown. */
const MAX_SHOWN = 20_000

const JSON_TYPE = 'application/json'

/** Form that calls an operation and shows the response. */
export function TryForm({ document, operation }: TryProps) {
  const parameters = operation.parameters ?? []
  const jsonBody = operation.requestBody?.content[JSON_TYPE]
  const [values, setValues] = useState<Readonly<Record<string, string>>>({})
  const [body, setBody] = useState(() => (jsonBody === undefined ? '' : sampleOf(document, jsonBody.schema)))
  const [answer, setAnswer] = useState<Answer>()
  const [error, setError] = useState<unknown>()
  const id = useId()
  const takesOnlyForms = operation.requestBody !== undefined && jsonBody === undefined
  const send = async (): Promise<void> => {
    setError(undefined)
    try {
      setAnswer(await callOnce(operation, values, jsonBody === undefined ? undefined : body))
    } catch (thrown) {
      setAnswer(undefined)
      setError(thrown)
    }
  }
  if (takesOnlyForms)
    return <p class="muted">This operation takes a file: use the page of the task, or curl.</p>
  return (
    <form
      class="try"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      {parameters.map((parameter) => (
        <ParameterField
          key={parameter.name}
          id={`${id}-${parameter.name}`}
          parameter={parameter}
          value={values[parameter.name] ?? ''}
          onChange={(value) => setValues((last) => ({ ...last, [parameter.name]: value }))}
        />
      ))}
      {jsonBody !== undefined && (
        <div class="field">
          <label for={`${id}-body`}>Body</label>
          <textarea
            id={`${id}-body`}
            class="mono"
            rows={Math.min(10, body.split('\n').length + 1)}
            value={body}
            onInput={({ currentTarget }) => setBody(currentTarget.value)}
          />
        </div>
      )}
      <button type="submit" class={operation.method === 'GET' ? 'small' : 'small primary'}>
        Send {operation.method}
      </button>
      {error !== undefined && <Problem error={error} />}
      {answer !== undefined && <AnswerView answer={answer} />}
    </form>
  )
}

interface FieldProps {
  readonly id: string
  readonly parameter: Parameter
  readonly value: string
  readonly onChange: (value: string) => void
}

function ParameterField({
  id,
  parameter: { name, required, description, in: place },
  value,
  onChange,
}: FieldProps) {
  return (
    <div class="field inline-field">
      <label for={id}>
        <code>{name}</code> <span class="muted">{place}</span>
      </label>
      <input
        id={id}
        value={value}
        required={required === true}
        aria-describedby={`${id}-hint`}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
      <span id={`${id}-hint`} class="muted small-text">
        {description}
      </span>
    </div>
  )
}

function AnswerView({ answer: { status, milliseconds, type, text } }: { readonly answer: Answer }) {
  return (
    <div role="status">
      <p>
        <code class={status < 400 ? 'good' : 'bad'}>{status}</code>{' '}
        <span class="muted">
          {Math.round(milliseconds)} ms, {formatBytes(text.length)}, {type === '' ? 'no body' : type}
        </span>
      </p>
      {text !== '' && (
        <ScrollBox class="source" label="Response">
          {text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text}
        </ScrollBox>
      )}
    </div>
  )
}

/** Calls the operation; a refusal is returned like any other response. */
async function callOnce(
  { method, path, parameters = [] }: Operation,
  values: Readonly<Record<string, string>>,
  body: string | undefined,
): Promise<Answer> {
  const headers: Record<string, string> = method === 'GET' ? {} : { 'x-app-engine-console': 'page' }
  const query = new URLSearchParams()
  let filled = path
  for (const { name, in: place } of parameters) {
    const value = values[name] ?? ''
    if (place === 'path') filled = filled.replace(`{${name}}`, encodeURIComponent(value))
    else if (value !== '' && place === 'query') query.set(name, value)
    else if (value !== '') headers[name] = value
  }
  if (body !== undefined) headers['content-type'] = JSON_TYPE
  const address = new URL(`${filled.slice(1)}${query.size === 0 ? '' : `?${query}`}`, BASE)
  const begun = performance.now()
  const answer = await fetch(address, { method, headers, ...(body === undefined ? {} : { body }) })
  const text = await answer.text()
  const type = answer.headers.get('content-type') ?? ''
  return {
    status: answer.status,
    milliseconds: performance.now() - begun,
    type,
    text: type.includes('json') ? pretty(text) : text,
  }
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
