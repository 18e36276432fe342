import { useState } from 'preact/hooks'
import { cancelRun, deleteRun, rerun, startRun } from '../../api/runs.ts'
import type { Run } from '../../api/types.ts'
import { addressOf, go } from '../../router.ts'
import { useMayChange } from '../../settings.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { isActive } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'

/** Actions that the run's state allows. */
export function RunActions({ run }: { readonly run: Run }) {
  const [isAsking, setIsAsking] = useState(false)
  const [error, setError] = useState<unknown>()
  const [isBusy, setIsBusy] = useState(false)
  const active = isActive(run.state)
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
        {run.state === 'PROVISIONED' && (
          <button
            type="button"
            class="primary"
            disabled={isBusy}
            onClick={() => void attempt(() => startRun(run.id))}
          >
            Start
          </button>
        )}
        {run.state !== 'CREATED' && run.state !== 'PROVISIONED' && (
          <button
            type="button"
            disabled={isBusy}
            title="A new run with the same inputs"
            onClick={() => void attempt(async () => go(addressOf(['runs', (await rerun(run.id)).id])))}
          >
            Run again
          </button>
        )}
        <button type="button" class="quiet" onClick={() => setIsAsking(true)}>
          {active ? 'Cancel run' : 'Delete run'}
        </button>
      </div>
      {error !== undefined && <Problem error={error} />}
      {isAsking && (
        <Confirm
          question={active ? 'Cancel this run?' : 'Delete this run?'}
          consequence={
            active
              ? 'The container is stopped. The run ends as failed; its inputs and its log stay.'
              : 'The run is removed for good, with its inputs, outputs and log.'
          }
          action={active ? 'Cancel run' : 'Delete run'}
          onConfirm={async () => {
            if (active) return cancelRun(run.id)
            await deleteRun(run.id)
            go(addressOf(['runs']))
          }}
          onClose={() => setIsAsking(false)}
        />
      )}
    </div>
  )
}
