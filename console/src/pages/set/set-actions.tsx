import { useState } from 'preact/hooks'
import { cancelSet, deleteSet, retrySet } from '../../api/run-sets.ts'
import type { RunSet } from '../../api/types.ts'
import { addressOf, go } from '../../router.ts'
import { useMayChange } from '../../settings.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { Problem } from '../../ui/problem.tsx'
import { retryWords } from './retry-words.ts'

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
  const { state } = set
  const again = retryWords(set)
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
        {again !== undefined && (
          <button type="button" disabled={isBusy} title={again.meaning} onClick={() => void retry()}>
            {again.action}
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
        consequence="No more of its runs are started. Active runs are stopped and end as failed. Inputs, outputs and logs are kept."
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
      consequence="All of its runs are deleted permanently, with their inputs, outputs and logs. Active runs are stopped."
      action="Delete set"
      onConfirm={async () => {
        await deleteSet(id)
        go(addressOf(['sets']))
      }}
      onClose={onClose}
    />
  )
}
