import { useLayoutEffect, useRef, useState } from 'preact/hooks'
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
  useLayoutEffect(() => {
    const { current } = dialog
    current?.showModal()
    // Returns the focus to where it was, as the removal of an open dialog does not. An effect of the layout ends before the removal.
    return () => current?.close()
  }, [])
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
    <dialog
      ref={dialog}
      aria-labelledby="question"
      aria-describedby="consequence"
      // The event of a removed dialog arrives late: the next dialog may be open already.
      onClose={({ currentTarget }) => currentTarget.isConnected && onClose()}
    >
      <h2 id="question">{question}</h2>
      <p id="consequence">{consequence}</p>
      {error !== undefined && <Problem error={error} />}
      <div class="actions">
        <button type="button" class="danger" disabled={isBusy} onClick={() => void confirm()}>
          {action}
        </button>
        <button type="button" onClick={onClose}>
          Keep it
        </button>
      </div>
    </dialog>
  )
}
