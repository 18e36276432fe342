import type { Identity } from '../shared/identity.ts'
import type { ImportRequests } from '../upload/import-requests.ts'
import type { UploadRepository } from '../upload/upload-repository.ts'

/** Ports and settings of the sweep. */
export interface SweepImportsDependencies {
  readonly identity: Identity
  readonly uploads: Pick<UploadRepository, 'listStalled' | 'postpone'>
  readonly requests: ImportRequests
  readonly settings: {
    /** Longer than Lambda waits before it retries an event (1 and 2 minutes). */
    readonly graceSeconds: number
  }
}

interface ImportSweep {
  readonly isTimeUp: () => boolean
  /** Called for each requested import. */
  readonly onRequested: (uploadId: string) => void
  /** Called for each failed request; the next sweep repeats it. */
  readonly onProblem: (uploadId: string, error: unknown) => void
}

/** Maximum number of requests in one sweep, which leaves time for runs; the rest waits for the next sweep. */
const MAX_REQUESTS = 200
/**
 * Interval of repeated requests. Most requests without a worker wait in Lambda's queue, which keeps them for six hours;
 * few are lost. At this interval the duplicates are few.
 */
const REPEAT_REQUEST_SECONDS = 1800

/**
 * Requests stalled imports again: their event was lost, or their worker crashed and was not retried. The importer fails
 * an import after repeated crashes, so each one ends.
 */
export async function sweepImports(
  { identity, uploads, requests, settings }: SweepImportsDependencies,
  sweep: ImportSweep,
): Promise<void> {
  const until = new Date(identity.now().getTime() - settings.graceSeconds * 1000)
  for (const uploadId of await uploads.listStalled(until, MAX_REQUESTS)) {
    if (sweep.isTimeUp()) return
    try {
      // The upload is postponed first, so that the next sweeps do not repeat a request that waits in Lambda's queue.
      if (!(await uploads.postpone(uploadId, REPEAT_REQUEST_SECONDS - settings.graceSeconds))) continue
      await requests.send(uploadId)
      sweep.onRequested(uploadId)
    } catch (error) {
      sweep.onProblem(uploadId, error)
    }
  }
}
