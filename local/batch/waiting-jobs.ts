import type { StateStore } from './state-store.ts'

/** Ids of jobs that wait to be run. */
export interface WaitingJobs {
  add(jobId: string): void
  /** Removes and returns the job to run next; undefined when none waits. */
  take(running: Iterable<string>): string | undefined
  remove(jobId: string): void
}

export function createWaitingJobs(store: Pick<StateStore, 'findJob'>): WaitingJobs {
  let waiting: string[] = []
  const shareOf = (jobId: string): string => store.findJob(jobId)?.shareIdentifier ?? ''

  return {
    add: (jobId) => void waiting.push(jobId),

    /** Longest waiting job of the share with the fewest running jobs: the fair-share policy of the queues on AWS. */
    take(running) {
      const used = new Map<string, number>()
      for (const jobId of running) used.set(shareOf(jobId), (used.get(shareOf(jobId)) ?? 0) + 1)
      let next: { readonly index: number; readonly used: number } | undefined
      for (const [index, jobId] of waiting.entries()) {
        const ofShare = used.get(shareOf(jobId)) ?? 0
        if (next === undefined || ofShare < next.used) next = { index, used: ofShare }
        if (next.used === 0) break
      }
      return next === undefined ? undefined : waiting.splice(next.index, 1)[0]
    },

    remove(jobId) {
      waiting = waiting.filter((other) => other !== jobId)
    },
  }
}
