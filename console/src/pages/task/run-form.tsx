import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../../api/client.ts'
import type { TaskKey } from '../../api/tasks.ts'
import type { TaskInput } from '../../api/types.ts'
import { addressOf, go } from '../../router.ts'
import { type Finding, findingsOf, Problem } from '../../ui/problem.tsx'
import { describeType } from './constraints.ts'
import { type FieldValue, type FormValues, initialValues, problemOf } from './field-values.ts'
import { Field } from './fields/field.tsx'
import { InputError, startTask } from './start-task.ts'

interface FormProps {
  readonly task: TaskKey
  readonly inputs: readonly TaskInput[]
}

/** What is wrong, by input; what is about none of them is `general`. */
interface Wrong {
  readonly byInput: Readonly<Record<string, string>>
  readonly general?: unknown
}

const NOTHING_WRONG: Wrong = { byInput: {} }

/** The form of a task, made of its inputs. */
export function RunForm({ task, inputs }: FormProps) {
  const [values, setValues] = useState<FormValues>(() => initialValues(inputs))
  const [wrong, setWrong] = useState<Wrong>(NOTHING_WRONG)
  const [progress, setProgress] = useState<string>()
  const controller = useRef<AbortController | undefined>(undefined)
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => () => controller.current?.abort(), [])
  const images = inputs.flatMap(({ name, type }) => {
    const value = values[name]
    return type.id === 'image' && value instanceof File ? [value] : []
  })

  const change = (name: string, value: FieldValue): void => {
    setValues((last) => ({ ...last, [name]: value }))
    setWrong(({ byInput: { [name]: _, ...others } }) => ({ byInput: others }))
  }
  const show = (found: Wrong): void => {
    setWrong(found)
    requestAnimationFrame(() =>
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"], .field-problem')?.focus(),
    )
  }
  const submit = async (): Promise<void> => {
    const problems = problemsOf(inputs, values)
    if (Object.keys(problems).length > 0) return show({ byInput: problems })
    setWrong(NOTHING_WRONG)
    controller.current = new AbortController()
    const { signal } = controller.current
    try {
      const id = await startTask({ task, inputs, values, signal, onProgress: setProgress })
      go(addressOf(['runs', id]))
    } catch (error) {
      if (!signal.aborted) show(wrongOf(error, inputs))
    } finally {
      if (!signal.aborted) setProgress(undefined)
    }
  }
  return (
    <form
      ref={form}
      class="run-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      {inputs.length === 0 && <p class="muted">This task has no inputs.</p>}
      {inputs.map((input) => (
        <InputRow
          key={input.id}
          input={input}
          value={values[input.name] ?? ''}
          problem={wrong.byInput[input.name]}
          images={images}
          onChange={(value) => change(input.name, value)}
        />
      ))}
      {wrong.general !== undefined && <Problem error={wrong.general} title="The run was not started." />}
      <div class="actions">
        <button type="submit" class="primary" disabled={progress !== undefined}>
          Start
        </button>
        <span role="status" class="muted">
          {progress !== undefined && `${progress} …`}
        </span>
      </div>
    </form>
  )
}

interface RowProps {
  readonly input: TaskInput
  readonly value: FieldValue
  readonly problem: string | undefined
  readonly images: readonly File[]
  readonly onChange: (value: FieldValue) => void
}

function InputRow({ input, value, problem, images, onChange }: RowProps) {
  const id = `input-${input.name}`
  const hint = `${id}-hint`
  return (
    <div class={problem === undefined ? 'field' : 'field wrong'}>
      <label for={id}>
        {input.display_name}
        {input.optional && <span class="muted"> (optional)</span>}
      </label>
      <p id={hint} class="hint">
        {input.description !== '' && <>{input.description} </>}
        <span class="constraint">{describeType(input.type)}</span>
      </p>
      <Field
        id={id}
        label={input.display_name}
        describedBy={problem === undefined ? hint : `${hint} ${id}-problem`}
        type={input.type}
        value={value}
        isOptional={input.optional}
        isWrong={problem !== undefined}
        images={images}
        onChange={onChange}
      />
      {problem !== undefined && (
        <p id={`${id}-problem`} class="bad field-problem" role="alert" tabIndex={-1}>
          {problem}
        </p>
      )}
    </div>
  )
}

function problemsOf(inputs: readonly TaskInput[], values: FormValues): Record<string, string> {
  const found = inputs.flatMap(({ name, type, optional }): [string, string][] => {
    const problem = problemOf(type, values[name] ?? '', optional)
    return problem === undefined ? [] : [[name, problem]]
  })
  return Object.fromEntries(found)
}

/** Puts each of the service's findings at the input that it is about. */
function wrongOf(error: unknown, inputs: readonly TaskInput[]): Wrong {
  const cause = error instanceof InputError ? error.cause : error
  if (!(cause instanceof ApiError) || cause.body === undefined) return { byInput: {}, general: error }
  const all = findingsOf(cause.body)
  const owner = error instanceof InputError ? error.input : undefined
  const isKnown = ({ parameter = owner }: Finding): boolean => inputs.some(({ name }) => name === parameter)
  const byInput = Object.fromEntries(
    all.filter(isKnown).map(({ parameter, words }) => [parameter ?? owner ?? '', words]),
  )
  return all.every(isKnown) ? { byInput } : { byInput, general: cause }
}
