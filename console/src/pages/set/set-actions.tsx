import { useState } from 'preact/hooks'
import { cancelSet, deleteSet, isOpen, type RunSet, retrySet } from '../../api/run-sets.ts'
import { addressOf, go } from '../../router.ts'
import { useMayChange } from '../../settings.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { formatCount } from '../../ui/format.ts'
import { Problem } from '../../ui/problem.tsx'

interface ActionsProps {
  readonly set: RunSet
  readonly onChanged: () => void
}

/** Buttons for the actions that the state of a set allows. */
export function SetActions({ set, onChanged }: ActionsProps) {
  const [asked, setAsked] = useState<'cancel' | 'delete'>()
  const [error, setError] = useState<unknown>()
  const [isBusy, setIsBusy] = useState(false)
  if (!useMayChange()) return null
  const { counts, state } = set
  const isUnderWay = state === 'VALIDATING' || state === 'RUNNING'
  const retry = async (): Promise<void> => {
    setIsBusy(true)
    setError(undefined)
    await retrySet(set.id).catch(setError)
    setIsBusy(false)
    onChanged()
  }
  return (
    <div class="head-action">
      <div class="actions">
        {!isOpen(set) && counts.failed > 0 && (
          <button
            type="button"
            disabled={isBusy}
            title="A new run for each row that failed, with the same inputs"
            onClick={() => void retry()}
          >
            Retry the {formatCount(counts.failed)} failed
          </button>
        )}
        {isUnderWay && (
          <button type="button" class="quiet" onClick={() => setAsked('cancel')}>
            Cancel set
          </button>
        )}
        <button type="button" class="quiet" onClick={() => setAsked('delete')}>
          Delete set
        </button>
      </div>
      {error !== undefined && <Problem error={error} />}
      {asked !== undefined && (
        <Question asked={asked} set={set} onChanged={onChanged} onClose={() => setAsked(undefined)} />
      )}
    </div>
  )
}

interface QuestionProps extends ActionsProps {
  readonly asked: 'cancel' | 'delete'
  readonly onClose: () => void
}

function Question({ asked, set: { id }, onChanged, onClose }: QuestionProps) {
  if (asked === 'cancel') {
    return (
      <Confirm
        question="Cancel this run set?"
        consequence="No run of it starts any more. Those that have not ended are stopped, and end as failed. Inputs, outputs and logs stay."
        action="Cancel set"
        onConfirm={async () => {
          await cancelSet(id)
          onChanged()
        }}
        onClose={onClose}
      />
    )
  }
  return (
    <Confirm
      question="Delete this run set?"
      consequence="All of its runs are removed for good, with their inputs, outputs and logs. Those that still run are stopped."
      action="Delete set"
      onConfirm={async () => {
        await deleteSet(id)
        go(addressOf(['sets']))
      }}
      onClose={onClose}
    />
  )
}
