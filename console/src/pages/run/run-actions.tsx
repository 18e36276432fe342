import { useState } from 'preact/hooks'
import { cancelRun, deleteRun, rerun, startRun } from '../../api/runs.ts'
import type { Run } from '../../api/types.ts'
import { addressOf, go } from '../../router.ts'
import { useMayChange } from '../../settings.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { Problem } from '../../ui/problem.tsx'
import { choicesFor, type RunChoices } from './run-choices.ts'

/** Actions that the run's state allows. */
export function RunActions({ run }: { readonly run: Run }) {
  // The open dialog keeps its question when the state of the run changes.
  const [asked, setAsked] = useState<RunChoices['end']>()
  const [error, setError] = useState<unknown>()
  const [isBusy, setIsBusy] = useState(false)
  const { isStartable, isRepeatable, end } = choicesFor(run)
  const attempt = async (act: () => Promise<unknown>): Promise<void> => {
    setIsBusy(true)
    setError(undefined)
    await act().catch(setError)
    setIsBusy(false)
  }
  if (!useMayChange()) return null
  return (
    <div class="head-action">
      <div class="actions">
        {isStartable && (
          <button
            type="button"
            class="primary"
            disabled={isBusy}
            onClick={() => void attempt(() => startRun(run.id))}
          >
            Start
          </button>
        )}
        {isRepeatable && (
          <button
            type="button"
            disabled={isBusy}
            title="A new run with the same inputs"
            onClick={() => void attempt(async () => go(addressOf(['runs', (await rerun(run.id)).id])))}
          >
            Run again
          </button>
        )}
        <button type="button" class="quiet" onClick={() => setAsked(end)}>
          {end === 'cancel' ? 'Cancel run' : 'Delete run'}
        </button>
      </div>
      {error !== undefined && <Problem error={error} />}
      {asked !== undefined && <Question asked={asked} id={run.id} onClose={() => setAsked(undefined)} />}
    </div>
  )
}

interface QuestionProps {
  readonly asked: RunChoices['end']
  readonly id: string
  readonly onClose: () => void
}

function Question({ asked, id, onClose }: QuestionProps) {
  if (asked === 'cancel') {
    return (
      <Confirm
        question="Cancel this run?"
        consequence="The container is stopped. The run ends as failed; its inputs and its log are kept."
        action="Cancel run"
        onConfirm={() => cancelRun(id)}
        onClose={onClose}
      />
    )
  }
  return (
    <Confirm
      question="Delete this run?"
      consequence="The run is deleted permanently, with its inputs, outputs and log."
      action="Delete run"
      onConfirm={async () => {
        await deleteRun(id)
        go(addressOf(['runs']))
      }}
      onClose={onClose}
    />
  )
}
