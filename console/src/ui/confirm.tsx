import { useEffect, useRef, useState } from 'preact/hooks'
import { Problem } from './problem.tsx'

interface ConfirmProps {
  readonly question: string
  readonly consequence: string
  /** Label of the button: "Delete run". */
  readonly action: string
  readonly onConfirm: () => Promise<void>
  readonly onClose: () => void
}

/** Asks for confirmation of an irreversible action. */
export function Confirm({ question, consequence, action, onConfirm, onClose }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [error, setError] = useState<unknown>()
  const [isBusy, setIsBusy] = useState(false)
  useEffect(() => dialog.current?.showModal(), [])
  const confirm = async (): Promise<void> => {
    setIsBusy(true)
    try {
      await onConfirm()
      onClose()
    } catch (thrown) {
      setError(thrown)
      setIsBusy(false)
    }
  }
  return (
    <dialog ref={dialog} aria-labelledby="question" aria-describedby="consequence" onClose={onClose}>
      <h2 id="question">{question}</h2>
      <p id="consequence">{consequence}</p>
      {error !== undefined && <Problem error={error} />}
      <div class="actions">
        <button type="button" class="danger" disabled={isBusy} onClick={() => void confirm()}>
          {action}
        </button>
        <button type="button" onClick={() => dialog.current?.close()}>
          Keep it
        </button>
      </div>
    </dialog>
  )
}
