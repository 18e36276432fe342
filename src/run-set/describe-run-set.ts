import { DomainError } from '../contract/errors.ts'
import { quoted } from '../contract/quoted.ts'
import { isSetId, setRunId } from '../contract/set-run-id.ts'
import type { RunFailure } from '../run/run.ts'
import type { RunRepository } from '../run/run-repository.ts'
import { MAX_GROUPS, type RunSet, type SetState, setStateOf } from '../run/set/run-set.ts'
import type { CountedSet, RunSetRepository } from '../run/set/run-set-repository.ts'
import {
  addCounts,
  isOtherReasons,
  kindOfReason,
  NO_COUNTS,
  type RoundCounts,
} from '../run/set/set-counts.ts'
import { countRows, type SetCounts } from './count-rows.ts'

/** Ports of the description of sets. */
export interface DescribeDependencies {
  readonly sets: RunSetRepository
  readonly runs: Pick<RunRepository, 'findAll'>
}

/** Failures with the same reason, or of the same kind with later reasons than the counted ones (`MAX_REASONS`). */
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
  /** Estimated cost of the runs that have not ended, from the mean of the ended ones; undefined before the first has ended. */
  readonly remainingUsd?: number
}

export interface DescribedRunSet extends CountedRunSet {
  readonly failures: readonly FailureGroup[]
}

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
 * Finds a set with its counts by one read, whatever the number of rows.
 * @throws DomainError RUN_SET_NOT_FOUND
 */
export async function findCountedRunSet(
  { sets }: Pick<DescribeDependencies, 'sets'>,
  setId: string,
): Promise<CountedSet> {
  const found = isSetId(setId) ? await sets.findCounted(setId) : undefined
  if (found === undefined) throw unknownSet(setId)
  return found
}

/** Groups the failures of a counted set, with one read when runs have failed. */
export async function describeCounted(
  deps: DescribeDependencies,
  { runSet, rounds }: CountedSet,
): Promise<DescribedRunSet> {
  const failures = await groupFailures(deps, runSet, rounds[runSet.round - 1] ?? NO_COUNTS)
  return { ...countedBy(runSet, rounds), failures }
}

function countedBy(runSet: RunSet, rounds: readonly RoundCounts[]): CountedRunSet {
  const counts = countRows(runSet, rounds)
  const { usd } = rounds.reduce(addCounts, NO_COUNTS)
  const ended = rounds.reduce(
    (sum, { finished, failed, unstarted }) => sum + finished + failed - unstarted,
    0,
  )
  // No run of a cancelled set starts any more.
  const toStart = runSet.phase === 'cancelling' ? 0 : counts.waiting
  return {
    runSet,
    state: setStateOf(runSet, counts.waiting + counts.active),
    counts,
    usd,
    ...(ended > 0 && { remainingUsd: (usd / ended) * (toStart + counts.active) }),
  }
}

async function groupFailures(
  { runs }: DescribeDependencies,
  { id, round }: RunSet,
  { reasons }: RoundCounts,
): Promise<readonly FailureGroup[]> {
  const largest = [...reasons].sort(([, a], [, b]) => b.count - a.count).slice(0, MAX_GROUPS)
  const groups = largest.map(([key, { count, row }]) => ({
    count,
    row,
    runId: setRunId({ setId: id, row, round }),
    isMixed: isOtherReasons(key),
    gone: { kind: kindOfReason(key), message: GONE },
  }))
  const examples = await runs.findAll(groups.map(({ runId }) => runId))
  const failures = new Map(examples.map((run) => [run.id, run.failure]))
  return groups.map(({ count, row, runId, isMixed, gone }) => {
    const { kind, message } = failures.get(runId) ?? gone
    const [first = ''] = message.split('\n', 1)
    const words = isMixed ? `other reasons, for example: ${first}` : first
    return { kind, message: words, count, example: { row: row + 1, runId } }
  })
}

/** Message of a group whose example was deleted. */
const GONE = 'the reason was in a run that was deleted; the runs of the other rows, if any, have it'
