import type { DeleteRunDependencies } from '../lifecycle/delete-run.ts'
import type { RunSet } from '../run/set/run-set.ts'
import type { RunSetChange, RunSetRepository } from '../run/set/run-set-repository.ts'
import type { Identity } from '../shared/identity.ts'
import type { FileDependencies } from './file-reference.ts'

/** Ports of the worker of run sets. */
export interface WorkDependencies extends FileDependencies, DeleteRunDependencies {
  readonly identity: Identity
  readonly runs: FileDependencies['runs']
  readonly sets: RunSetRepository
}

/** Next step of the set's workflow. */
export interface SetWork {
  /** No work is left. */
  readonly isDone: boolean
  /** Prefix that the runs' ids share. */
  readonly prefix: string
  /** Suffixes of the ids of the runs to execute now. If there are none, the workflow calls the worker again unless `isDone`. */
  readonly runs: readonly string[]
  readonly maxConcurrency: number
}

export interface Call {
  readonly setId: string
  /** Milliseconds that remain for the call. */
  readonly timeLeftMs: () => number
}

/** Reserved for work in progress: the files of a block of rows. */
const RESERVED_MS = 90_000
export const NOTHING: SetWork = { isDone: true, prefix: '', runs: [], maxConcurrency: 1 }
export const AGAIN: SetWork = { ...NOTHING, isDone: false }

export function isTimeUp({ timeLeftMs }: Call): boolean {
  return timeLeftMs() < RESERVED_MS
}

/** @returns undefined when the set was cancelled or deleted meanwhile, or another worker processes it */
export function advance(
  deps: WorkDependencies,
  runSet: RunSet,
  set: RunSetChange['set'],
): Promise<RunSet | undefined> {
  const { phase, round, done } = runSet
  return deps.sets.change(runSet.id, { set, if: { phase, round, done } })
}
