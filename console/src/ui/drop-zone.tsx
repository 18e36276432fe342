import { useId, useRef, useState } from 'preact/hooks'

interface DropZoneProps {
  readonly label: string
  readonly hint: string
  readonly accept?: string
  readonly isMultiple?: boolean
  readonly onFiles: (files: readonly File[]) => void
}

/** Selects files by drag and drop or by the browser's dialog, which is accessible by keyboard. */
export function DropZone({ label, hint, accept, isMultiple = false, onFiles }: DropZoneProps) {
  const [isOver, setIsOver] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const hintId = useId()
  const take = (files: FileList | null | undefined): void => {
    const taken = [...(files ?? [])]
    if (taken.length > 0) onFiles(isMultiple ? taken : taken.slice(0, 1))
  }
  return (
    <fieldset
      aria-label={label}
      class={isOver ? 'drop over' : 'drop'}
      onDragOver={(event) => {
        event.preventDefault()
        setIsOver(true)
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setIsOver(false)
        take(event.dataTransfer?.files)
      }}
    >
      <label class="button">
        {isMultiple ? 'Choose files' : 'Choose a file'}
        <input
          ref={input}
          type="file"
          class="visually-hidden"
          aria-label={label}
          aria-describedby={hintId}
          accept={accept}
          multiple={isMultiple}
          onChange={({ currentTarget }) => {
            take(currentTarget.files)
            // Allows the same file to be selected again.
            currentTarget.value = ''
          }}
        />
      </label>
      <span id={hintId} class="muted">
        {hint}
      </span>
    </fieldset>
  )
}
