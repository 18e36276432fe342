import { useEffect, useRef, useState } from 'preact/hooks'
import type { TaskKey } from '../../api/tasks.ts'
import type { TaskInput } from '../../api/types.ts'
import { addressOf, go } from '../../router.ts'
import { useConfig } from '../../settings.ts'
import { Problem } from '../../ui/problem.tsx'
import { type FieldValue, type FormValues, initialValues } from './field-values.ts'
import { InputRows } from './input-row.tsx'
import { ReuseChoice } from './reuse-choice.tsx'
import { StartButton } from './start-button.tsx'
import { startTask } from './start-task.ts'
import { NOTHING_WRONG, problemsOf, type Wrong, wrongOf } from './wrong.ts'

interface FormProps {
  readonly task: TaskKey
  readonly inputs: readonly TaskInput[]
}

/** Form that starts a run, with a field for each input of the task. */
export function RunForm({ task, inputs }: FormProps) {
  const [values, setValues] = useState<FormValues>(() => initialValues(inputs))
  const [reuse, setReuse] = useState(useConfig().reusesOutputs)
  const [wrong, setWrong] = useState<Wrong>(NOTHING_WRONG)
  const [progress, setProgress] = useState<string>()
  const controller = useRef<AbortController | undefined>(undefined)
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => () => controller.current?.abort(), [])

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
      const id = await startTask({ task, inputs, values, reuse, signal, onProgress: setProgress })
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
      <InputRows inputs={inputs} values={values} wrong={wrong} onChange={change} />
      <ReuseChoice isChosen={reuse} onChange={setReuse} />
      {wrong.general !== undefined && <Problem error={wrong.general} title="The run was not started." />}
      <StartButton title="Start" progress={progress} />
    </form>
  )
}
