import { DomainError } from '../contract/errors.ts'
import { quoted } from '../contract/quoted.ts'
import type { RunFailure } from '../run/run.ts'
import type { RunRepository } from '../run/run-repository.ts'
import { type RunSet, type SetState, setStateOf } from '../run/set/run-set.ts'
import type { CountedSet, RunSetRepository } from '../run/set/run-set-repository.ts'
import { addCounts, NO_COUNTS, type RoundCounts } from '../run/set/set-counts.ts'
import { isSetId, setRunId } from '../run/set/set-run-id.ts'

/** Ports of the description of sets. */
export interface DescribeDependencies {
  readonly sets: RunSetRepository
  readonly runs: Pick<RunRepository, 'findAll'>
}

/** Numbers of rows by the state of their latest run; the sum is the number of rows. */
export interface SetCounts {
  readonly waiting: number
  readonly active: number
  readonly finished: number
  readonly failed: number
}

/** Failures with the same reason. */
export interface FailureGroup extends Pick<RunFailure, 'kind' | 'message'> {
  readonly count: number
  /** Row from 1. */
  readonly example: { readonly row: number; readonly runId: string }
}

/** A set with its progress and cost. */
export interface CountedRunSet {
  readonly runSet: RunSet
  readonly state: SetState
  readonly counts: SetCounts
  /** Cost of the ended runs, in US dollars. */
  readonly usd: number
  /** Estimated cost of the other runs, from the mean of the ended ones; undefined before the first has ended. */
  readonly remainingUsd?: number
}

export interface DescribedRunSet extends CountedRunSet {
  readonly failures: readonly FailureGroup[]
}

/** Maximum number of groups of failures that are returned, largest first. */
export const MAX_GROUPS = 20

/** @throws DomainError RUN_SET_NOT_FOUND */
export async function findRunSet(
  { sets }: Pick<DescribeDependencies, 'sets'>,
  setId: string,
): Promise<RunSet> {
  const found = isSetId(setId) ? await sets.find(setId) : undefined
  if (found === undefined) throw unknownSet(setId)
  return found
}

function unknownSet(setId: string): DomainError {
  const words = `there is no run set ${quoted(setId, 60)}, or it was deleted`
  return new DomainError('RUN_SET_NOT_FOUND', undefined, { words })
}

/** Counts a set. Takes one read of the table, whatever the number of rows. */
export async function countRunSet(
  { sets }: Pick<DescribeDependencies, 'sets'>,
  runSet: RunSet,
): Promise<CountedRunSet> {
  return countedBy(runSet, await sets.counts(runSet.id))
}

/** Counts a set and groups its failures, with one more read for their examples. */
export async function describeRunSet(deps: DescribeDependencies, runSet: RunSet): Promise<DescribedRunSet> {
  return describeCounted(deps, { runSet, rounds: await deps.sets.counts(runSet.id) })
}

/**
 * Finds and describes a set by one read, and by another one when runs have failed, whatever the number of rows.
 * @throws DomainError RUN_SET_NOT_FOUND
 */
export async function findDescribedRunSet(
  deps: DescribeDependencies,
  setId: string,
): Promise<DescribedRunSet> {
  const found = isSetId(setId) ? await deps.sets.findCounted(setId) : undefined
  if (found === undefined) throw unknownSet(setId)
  return describeCounted(deps, found)
}

async function describeCounted(
  deps: DescribeDependencies,
  { runSet, rounds }: CountedSet,
): Promise<DescribedRunSet> {
  const failures = await groupFailures(deps, runSet, rounds[runSet.round - 1] ?? NO_COUNTS)
  return { ...countedBy(runSet, rounds), failures }
}

function countedBy(runSet: RunSet, rounds: readonly RoundCounts[]): CountedRunSet {
  const counts = countsOf(runSet, rounds)
  const { usd } = rounds.reduce(addCounts, NO_COUNTS)
  const ended = rounds.reduce(
    (sum, { finished, failed, unstarted }) => sum + finished + failed - unstarted,
    0,
  )
  const open = counts.waiting + counts.active
  return {
    runSet,
    state: setStateOf(runSet, open),
    counts,
    usd,
    ...(ended > 0 && { remainingUsd: (usd / ended) * open }),
  }
}

function countsOf({ round, roundRows }: RunSet, rounds: readonly RoundCounts[]): SetCounts {
  const present = rounds[round - 1] ?? NO_COUNTS
  const all = rounds.reduce(addCounts, NO_COUNTS)
  const [, ...retried] = roundRows
  // The set was read before its counts: runs may have been created and started since.
  const waiting = (roundRows[round - 1] ?? 0) - present.started - present.unstarted
  return {
    waiting: Math.max(0, waiting),
    active: present.started - present.finished - (present.failed - present.unstarted),
    finished: all.finished,
    failed: all.failed - retried.reduce((sum, rows) => sum + rows, 0),
  }
}

async function groupFailures(
  { runs }: DescribeDependencies,
  { id, round }: RunSet,
  { reasons }: RoundCounts,
): Promise<readonly FailureGroup[]> {
  const largest = [...reasons.values()].sort((a, b) => b.count - a.count).slice(0, MAX_GROUPS)
  const groups = largest.map(({ count, row }) => ({ count, row, runId: setRunId({ setId: id, row, round }) }))
  const examples = await runs.findAll(groups.map(({ runId }) => runId))
  const failures = new Map(examples.map((run) => [run.id, run.failure]))
  return groups.map(({ count, row, runId }) => {
    const { kind, message } = failures.get(runId) ?? GONE
    return { kind, message: message.split('\n', 1)[0] ?? '', count, example: { row: row + 1, runId } }
  })
}

/** Failure of an example that was deleted. */
const GONE: RunFailure = { kind: 'engine-error', message: 'the run was deleted' }
