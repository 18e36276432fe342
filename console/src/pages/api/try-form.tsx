import { useId, useRef, useState } from 'preact/hooks'
import { formatBytes } from '../../ui/format.ts'
import { Loading } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'
import { ScrollBox } from '../../ui/scroll-box.tsx'
import { BodyFields, bodyTypesOf, filesOf } from './body-fields.tsx'
import { type Answer, JSON_TYPE } from './call-operation.ts'
import type { OpenApi, Operation, Parameter } from './document.ts'
import { sampleOf } from './sample.ts'
import { useCall } from './use-call.ts'

interface TryProps {
  readonly document: OpenApi
  readonly operation: Operation
}

/** Form that calls an operation and shows the response. */
export function TryForm({ document, operation }: TryProps) {
  const { parameters = [], requestBody } = operation
  const [values, setValues] = useState<Readonly<Record<string, string>>>({})
  const [type, setType] = useState(bodyTypesOf(operation)[0])
  const [json, setJson] = useState(() => sampleOf(document, requestBody?.content[JSON_TYPE]?.schema))
  const { answer, error, isBusy, send, stop } = useCall()
  const sendButton = useRef<HTMLButtonElement>(null)
  const id = useId()
  const submit = (form: HTMLFormElement): void => {
    const body = type === undefined ? undefined : type === JSON_TYPE ? json : filesOf(form)
    void send({ operation, values, body })
  }
  const halt = (): void => {
    stop()
    // The focus would be lost with the button that has it.
    sendButton.current?.focus()
  }
  return (
    <form
      class="try"
      onSubmit={(event) => {
        event.preventDefault()
        submit(event.currentTarget)
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
      {type !== undefined && (
        <BodyFields id={id} operation={operation} type={type} json={json} onType={setType} onJson={setJson} />
      )}
      <div class="actions">
        <button ref={sendButton} type="submit" class={operation.method === 'GET' ? 'small' : 'small primary'}>
          Send {operation.method}
        </button>
        {isBusy && (
          <button type="button" class="small" onClick={halt}>
            Stop
          </button>
        )}
      </div>
      {isBusy && answer === undefined && <Loading what="the response" />}
      {error !== undefined && <Problem error={error} />}
      {answer !== undefined && <AnswerView answer={answer} isBusy={isBusy} />}
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

interface AnswerProps {
  readonly answer: Answer
  readonly isBusy: boolean
}

function AnswerView({ answer: { status, milliseconds, type, size, text }, isBusy }: AnswerProps) {
  return (
    // While a stream is open, screen readers would read all of its text again after each event.
    <div role="status" aria-busy={isBusy}>
      <p>
        <code class={status < 400 ? 'good' : 'bad'}>{status}</code>{' '}
        <span class="muted">
          {Math.round(milliseconds)} ms, {formatBytes(size)}, {type === '' ? 'no body' : type}
        </span>
      </p>
      {text !== '' && (
        <ScrollBox class="source" label="Response">
          {text}
        </ScrollBox>
      )}
    </div>
  )
}
