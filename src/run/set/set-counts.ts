import { createHash } from 'node:crypto'
import type { RunFailureKind } from '../../contract/run-failure-kinds.ts'
import type { JobUsage, Run } from '../run.ts'
import { isActive, isFinal, isProvisionable } from '../transitions.ts'
import type { SetRunPlace } from './set-run-id.ts'

/** Increments of a set's counts by a change of a run. */
export interface CountChange {
  readonly started: number
  readonly finished: number
  readonly failed: number
  /** Number of those in `failed` that had not started. */
  readonly unstarted: number
  readonly usd: number
  /** Reason of a failure, with its latest row. */
  readonly reason?: { readonly key: string; readonly row: number }
}

const NOTHING: CountChange = { started: 0, finished: 0, failed: 0, unstarted: 0, usd: 0 }

/** A step of a run. */
export interface RunStep {
  readonly from: Run['state']
  readonly to: Run['state']
  readonly failure?: Run['failure'] | undefined
  /** Usage that was not counted by an earlier step. */
  readonly newUsage?: JobUsage | undefined
}

/** Increments of the counts by a step; undefined when there are none. */
export function countChangeOf({ row }: SetRunPlace, step: RunStep): CountChange | undefined {
  const { from, to, failure, newUsage } = step
  const usd = newUsage?.usd ?? 0
  if (isActive(to)) {
    if (!isProvisionable(from)) return usd === 0 ? undefined : { ...NOTHING, usd }
    return { ...NOTHING, started: 1, usd }
  }
  if (!isFinal(to) || isFinal(from)) return usd === 0 ? undefined : { ...NOTHING, usd }
  const unstarted = isProvisionable(from) ? 1 : 0
  // A run that takes the outputs of an equal one starts and ends at once.
  if (to === 'FINISHED') return { ...NOTHING, started: unstarted, finished: 1, usd }
  const reason = failure === undefined ? undefined : { key: reasonKey(failure.kind, failure.message), row }
  return { ...NOTHING, failed: 1, unstarted, usd, ...(reason && { reason }) }
}

/** Number of items with the counts of a set. Reduces write conflicts of runs that end at the same time. */
const COUNT_SHARDS = 16

/** Shard of a row's counts. */
export function shardOf({ row }: Pick<SetRunPlace, 'row'>): number {
  return row % COUNT_SHARDS
}

/** Number of characters of a message that distinguish reasons. */
const REASON_LENGTH = 200

/**
 * Key of a failure's reason. Messages that differ only in numbers or ids have the same key. Only the first line counts, because the
 * others are the end of the log.
 */
export function reasonKey(kind: RunFailureKind, message: string): string {
  const [first = ''] = message.split('\n', 1)
  const plain = first.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gu, '#')
  const text = plain.replaceAll(/\d+/gu, '#').slice(0, REASON_LENGTH)
  return `${kind}:${createHash('sha256').update(text).digest('hex').slice(0, 10)}`
}

/** Counts of one round. */
export interface RoundCounts extends Omit<CountChange, 'reason'> {
  /** Number of failures and an example row, by {@link reasonKey}. */
  readonly reasons: ReadonlyMap<string, { readonly count: number; readonly row: number }>
}

export const NO_COUNTS: RoundCounts = { ...NOTHING, reasons: new Map() }

/** Sum of two counts. */
export function addCounts(one: RoundCounts, other: RoundCounts): RoundCounts {
  const reasons = new Map(one.reasons)
  for (const [key, { count, row }] of other.reasons) {
    reasons.set(key, { count: (reasons.get(key)?.count ?? 0) + count, row })
  }
  return {
    started: one.started + other.started,
    finished: one.finished + other.finished,
    failed: one.failed + other.failed,
    unstarted: one.unstarted + other.unstarted,
    usd: one.usd + other.usd,
    reasons,
  }
}
