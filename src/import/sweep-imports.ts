import type { Identity } from '../shared/identity.ts'
import type { ImportRequests } from '../upload/import-requests.ts'
import type { UploadRepository } from '../upload/upload-repository.ts'

/** What the sweep of imports works with. */
export interface SweepImportsDependencies {
  readonly identity: Identity
  readonly uploads: Pick<UploadRepository, 'listStalled' | 'postpone'>
  readonly requests: ImportRequests
  readonly settings: {
    /** Longer than Lambda waits before it gives an event to a function again (1 and 2 minutes). */
    readonly graceSeconds: number
  }
}

interface ImportSweep {
  readonly isTimeUp: () => boolean
  /** An import was asked for again. */
  readonly onRequested: (uploadId: string) => void
  /** One import could not be asked for; the others are, and it is the next time. */
  readonly onProblem: (uploadId: string, error: unknown) => void
}

/** At a time; what is left over waits for the next sweep, and runs get their share of this one. */
const MOST = 200
/**
 * A request that nobody follows mostly waits behind others, for which Lambda gives it six hours; only seldom it is lost. In this
 * distance, those that wait are joined by few.
 */
const ASKED_AGAIN_SECONDS = 1800

/**
 * Asks for imports that nobody is at: the event of their bundle was lost, or their worker died and was called no more. The importer
 * itself gives up one that breaks off again and again, so each comes to an end.
 */
export async function sweepImports(
  { identity, uploads, requests, settings }: SweepImportsDependencies,
  sweep: ImportSweep,
): Promise<void> {
  const until = new Date(identity.now().getTime() - settings.graceSeconds * 1000)
  for (const uploadId of await uploads.listStalled(until, MOST)) {
    if (sweep.isTimeUp()) return
    try {
      // First, so that a request that is still on its way is not joined by another with every sweep.
      if (!(await uploads.postpone(uploadId, ASKED_AGAIN_SECONDS - settings.graceSeconds))) continue
      await requests.send(uploadId)
      sweep.onRequested(uploadId)
    } catch (error) {
      sweep.onProblem(uploadId, error)
    }
  }
}
