import type { TaskInput } from '../../api/types.ts'
import { describeType } from './constraints.ts'
import type { FieldValue, FormValues } from './field-values.ts'
import { Field } from './fields/field.tsx'
import type { Wrong } from './wrong.ts'

interface RowsProps {
  readonly inputs: readonly TaskInput[]
  readonly values: FormValues
  readonly wrong: Wrong
  readonly onChange: (input: string, value: FieldValue) => void
}

/** Fields of inputs. A geometry can be drawn on the image of another input. */
export function InputRows({ inputs, values, wrong, onChange }: RowsProps) {
  const images = imagesOf(inputs, values)
  return inputs.map((input) => (
    <InputRow
      key={input.id}
      input={input}
      value={values[input.name] ?? ''}
      problem={wrong.byInput[input.name]}
      images={images}
      onChange={(value) => onChange(input.name, value)}
    />
  ))
}

interface RowProps {
  readonly input: TaskInput
  readonly value: FieldValue
  readonly problem: string | undefined
  readonly images: readonly File[]
  readonly onChange: (value: FieldValue) => void
}

/** An input of the task: description, field, and the problem with its value. */
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

/** Images that the user has chosen as inputs. */
function imagesOf(inputs: readonly TaskInput[], values: FormValues): readonly File[] {
  return inputs.flatMap(({ name, type }) => {
    const value = values[name]
    return type.id === 'image' && value instanceof File ? [value] : []
  })
}
