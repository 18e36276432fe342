import { useState } from 'preact/hooks'
import { DEFAULT_CONCURRENCY } from '../../../../src/contract/run-set-limits.ts'
import type { Problems, TaskInput } from '../../api/types.ts'
import { useConfig } from '../../settings.ts'
import { plural } from '../../ui/format.ts'
import { Problem } from '../../ui/problem.tsx'
import { ProblemTable } from '../../ui/set-parts.tsx'
import { type FieldValue, type FormValues, initialValues } from './field-values.ts'
import { InputRows } from './input-row.tsx'
import { ReuseChoice } from './reuse-choice.tsx'
import { StartButton } from './start-button.tsx'
import { TableField } from './table-field.tsx'
import {
  AT_A_TIME,
  type SetDraft,
  type SetFormProps,
  sharedInputs,
  TABLE,
  useSetForm,
} from './use-set-form.ts'
import type { Wrong } from './wrong.ts'

/** Form that starts a run set: a table, and values that all runs share. */
export function SetForm({ task, inputs }: SetFormProps) {
  const { reusesOutputs } = useConfig()
  const [draft, setDraft] = useState<SetDraft>(() => ({
    chosen: undefined,
    values: initialValues(inputs),
    name: '',
    atATime: String(DEFAULT_CONCURRENCY),
    reuse: reusesOutputs,
  }))
  const { form, wrong, forget, problems, progress, submit } = useSetForm(task)
  const { chosen, values, name, atATime, reuse } = draft
  const shared = sharedInputs(inputs, chosen)
  const change = (field: string, part: (last: SetDraft) => Partial<SetDraft>): void => {
    setDraft((last) => ({ ...last, ...part(last) }))
    forget(field)
  }
  return (
    <form
      ref={form}
      class="run-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void submit(draft, shared)
      }}
    >
      <TableField
        inputs={inputs}
        chosen={chosen}
        problem={wrong.byInput[TABLE]}
        onChange={(table) => change(TABLE, () => ({ chosen: table }))}
      />
      <SharedFields
        inputs={shared}
        values={values}
        wrong={wrong}
        onChange={(input, value) => change(input, (last) => ({ values: { ...last.values, [input]: value } }))}
      />
      <Settings
        name={name}
        atATime={atATime}
        problem={wrong.byInput[AT_A_TIME]}
        onChange={(part) => change(AT_A_TIME, () => part)}
      />
      <ReuseChoice isChosen={reuse} onChange={(next) => setDraft((last) => ({ ...last, reuse: next }))} />
      {wrong.general !== undefined && <Problem error={wrong.general} title="The run set was not started." />}
      {problems !== undefined && <TableProblems problems={problems} />}
      <StartButton
        title={chosen === undefined ? 'Start runs' : `Start ${plural(chosen.table.rows, 'run')}`}
        progress={progress}
      />
    </form>
  )
}

function TableProblems({ problems }: { readonly problems: Problems }) {
  return (
    <section class="problem" role="alert">
      <p>
        <strong>No run was started.</strong> The table has {plural(problems.count, 'problem')}.
      </p>
      <ProblemTable problems={problems} />
    </section>
  )
}

interface SharedProps {
  readonly inputs: readonly TaskInput[]
  readonly values: FormValues
  readonly wrong: Wrong
  readonly onChange: (input: string, value: FieldValue) => void
}

function SharedFields({ inputs, values, wrong, onChange }: SharedProps) {
  if (inputs.length === 0) return null
  return (
    <fieldset class="shared-fields">
      <legend>The same for all runs</legend>
      <InputRows inputs={inputs} values={values} wrong={wrong} onChange={onChange} />
    </fieldset>
  )
}

interface SettingsProps {
  readonly name: string
  readonly atATime: string
  readonly problem: string | undefined
  readonly onChange: (part: Pick<SetDraft, 'name'> | Pick<SetDraft, 'atATime'>) => void
}

function Settings({ name, atATime, problem, onChange }: SettingsProps) {
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
          onInput={({ currentTarget }) => onChange({ name: currentTarget.value })}
        />
      </div>
      <div class={problem === undefined ? 'field' : 'field wrong'}>
        <label for="set-at-a-time">Maximum number of concurrent runs</label>
        <input
          id="set-at-a-time"
          class="short"
          inputMode="numeric"
          autoComplete="off"
          aria-invalid={problem !== undefined}
          aria-describedby={problem === undefined ? undefined : 'set-at-a-time-problem'}
          value={atATime}
          onInput={({ currentTarget }) => onChange({ atATime: currentTarget.value })}
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
