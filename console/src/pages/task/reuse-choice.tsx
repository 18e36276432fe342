import { useId } from 'preact/hooks'

interface ChoiceProps {
  readonly isChosen: boolean
  readonly onChange: (isChosen: boolean) => void
}

/** Checkbox that chooses whether runs take the outputs of equal runs. */
export function ReuseChoice({ isChosen, onChange }: ChoiceProps) {
  const hint = useId()
  return (
    <div class="field">
      <label>
        <input
          type="checkbox"
          checked={isChosen}
          aria-describedby={hint}
          onChange={() => onChange(!isChosen)}
        />{' '}
        Reuse results of equal runs
      </label>
      <p id={hint} class="hint">
        If there is a finished run with the same image and inputs, its outputs are taken and nothing is
        executed. Only for tasks whose outputs depend on their inputs alone.
      </p>
    </div>
  )
}
