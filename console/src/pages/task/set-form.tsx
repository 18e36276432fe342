import { useEffect, useRef, useState } from 'preact/hooks'
import type { Problems } from '../../api/run-sets.ts'
import type { TaskKey } from '../../api/tasks.ts'
import type { TaskInput } from '../../api/types.ts'
import { addressOf, go } from '../../router.ts'
import { plural } from '../../ui/format.ts'
import { Problem } from '../../ui/problem.tsx'
import { ProblemTable } from '../../ui/set-parts.tsx'
import { type FormValues, holdsFiles, initialValues } from './field-values.ts'
import { InputRow, imagesOf } from './input-row.tsx'
import { startSet } from './start-set.ts'
import { type ChosenTable, isSame, TableField } from './table-field.tsx'
import { NOTHING_WRONG, problemsOf, type Wrong, wrongOf } from './wrong.ts'

export interface SetFormProps {
  readonly task: TaskKey
  readonly inputs: readonly TaskInput[]
}

const DEFAULT_CONCURRENCY = '50'
const MAX_CONCURRENCY = 1000

/** The form of a run set: a table, and values that all of its runs share. */
export function SetForm({ task, inputs }: SetFormProps) {
  const [values, setValues] = useState<FormValues>(() => initialValues(inputs))
  const [chosen, setChosen] = useState<ChosenTable>()
  const [name, setName] = useState('')
  const [atATime, setAtATime] = useState(DEFAULT_CONCURRENCY)
  const [wrong, setWrong] = useState<Wrong>(NOTHING_WRONG)
  const [problems, setProblems] = useState<Problems>()
  const [progress, setProgress] = useState<string>()
  const controller = useRef<AbortController | undefined>(undefined)
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => () => controller.current?.abort(), [])
  const shared = sharedInputs(inputs, chosen)

  const show = (found: Wrong): void => {
    setWrong(found)
    requestAnimationFrame(() =>
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"], .field-problem')?.focus(),
    )
  }
  const submit = async (): Promise<void> => {
    const found = { ...setProblemsOf(chosen, atATime), ...problemsOf(shared, values) }
    setProblems(undefined)
    if (chosen === undefined || Object.keys(found).length > 0) return show({ byInput: found })
    setWrong(NOTHING_WRONG)
    controller.current = new AbortController()
    const { signal } = controller.current
    try {
      const started = await startSet({
        task,
        name: name.trim(),
        maxConcurrency: Number(atATime),
        table: chosen.file,
        inputs: shared,
        values,
        signal,
        onProgress: (words) => signal.aborted || setProgress(words),
      })
      if ('id' in started) go(addressOf(['sets', started.id]))
      else setProblems(started.problems)
    } catch (error) {
      if (!signal.aborted) show(wrongOf(error, shared))
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
      <TableField inputs={inputs} chosen={chosen} problem={wrong.byInput[TABLE]} onChange={setChosen} />
      <SharedFields inputs={shared} values={values} wrong={wrong} onChange={setValues} />
      <Settings
        name={name}
        onName={setName}
        atATime={atATime}
        onAtATime={setAtATime}
        problem={wrong.byInput[AT_A_TIME]}
      />
      {wrong.general !== undefined && <Problem error={wrong.general} title="The run set was not started." />}
      {problems !== undefined && (
        <section class="problem" role="alert">
          <p>
            <strong>No run was started.</strong> The table has {plural(problems.count, 'problem')}.
          </p>
          <ProblemTable problems={problems} />
        </section>
      )}
      <div class="actions">
        <button type="submit" class="primary" disabled={progress !== undefined}>
          {chosen === undefined ? 'Start runs' : `Start ${plural(chosen.table.rows, 'run')}`}
        </button>
        <span role="status" class="muted">
          {progress !== undefined && `${progress} …`}
        </span>
      </div>
    </form>
  )
}

/** Fields of the form itself; no input has such a name. */
const TABLE = ' table'
const AT_A_TIME = ' at a time'

function setProblemsOf(chosen: ChosenTable | undefined, atATime: string): Record<string, string> {
  const isNumber = /^\d+$/u.test(atATime.trim())
  const isAllowed = isNumber && Number(atATime) >= 1 && Number(atATime) <= MAX_CONCURRENCY
  return {
    ...(chosen === undefined && { [TABLE]: 'Drop or paste a table.' }),
    ...(!isAllowed && { [AT_A_TIME]: `Write a whole number from 1 to ${MAX_CONCURRENCY}.` }),
  }
}

/** Inputs that are no column of the table. Lists of files are left out: a set cannot have them. */
function sharedInputs(inputs: readonly TaskInput[], chosen: ChosenTable | undefined): readonly TaskInput[] {
  const columns = chosen?.table.columns ?? []
  return inputs.filter(
    ({ name, type }) =>
      !columns.some((column) => isSame(name, column)) && !(type.id === 'array' && holdsFiles(type)),
  )
}

interface SharedProps {
  readonly inputs: readonly TaskInput[]
  readonly values: FormValues
  readonly wrong: Wrong
  readonly onChange: (change: (last: FormValues) => FormValues) => void
}

function SharedFields({ inputs, values, wrong, onChange }: SharedProps) {
  if (inputs.length === 0) return null
  const images = imagesOf(inputs, values)
  return (
    <fieldset class="shared-fields">
      <legend>The same for all runs</legend>
      {inputs.map((input) => (
        <InputRow
          key={input.id}
          input={input}
          value={values[input.name] ?? ''}
          problem={wrong.byInput[input.name]}
          images={images}
          onChange={(value) => onChange((last) => ({ ...last, [input.name]: value }))}
        />
      ))}
    </fieldset>
  )
}

interface SettingsProps {
  readonly name: string
  readonly onName: (name: string) => void
  readonly atATime: string
  readonly onAtATime: (atATime: string) => void
  readonly problem: string | undefined
}

function Settings({ name, onName, atATime, onAtATime, problem }: SettingsProps) {
  return (
    <div class="set-settings">
      <div class="field">
        <label for="set-name">
          Name of the set<span class="muted"> (optional)</span>
        </label>
        <input
          id="set-name"
          maxLength={200}
          autoComplete="off"
          value={name}
          onInput={({ currentTarget }) => onName(currentTarget.value)}
        />
      </div>
      <div class={problem === undefined ? 'field' : 'field wrong'}>
        <label for="set-at-a-time">Runs at a time</label>
        <input
          id="set-at-a-time"
          class="short"
          inputMode="numeric"
          autoComplete="off"
          aria-invalid={problem !== undefined}
          aria-describedby={problem === undefined ? undefined : 'set-at-a-time-problem'}
          value={atATime}
          onInput={({ currentTarget }) => onAtATime(currentTarget.value)}
        />
        {problem !== undefined && (
          <p id="set-at-a-time-problem" class="bad field-problem" role="alert" tabIndex={-1}>
            {problem}
          </p>
        )}
      </div>
    </div>
  )
}
