import { createHash } from 'node:crypto'
import { RUN_FAILURE_KINDS, type RunFailureKind } from '../../contract/run-failure-kinds.ts'
import type { SetRunPlace } from '../../contract/set-run-id.ts'
import type { JobUsage, Run, RunFailure } from '../run.ts'
import { isActive, isFinal, isProvisionable } from '../transitions.ts'

/** Increments of a set's counts by a change of a run. */
export interface CountChange {
  readonly started: number
  readonly finished: number
  readonly failed: number
  /** Number of those in `failed` that had not started. */
  readonly unstarted: number
  readonly usd: number
  /** Row, from 0, whose run failed. */
  readonly failedRow?: number
  readonly reason?: CountedReason
}

/** Reason of a failure. */
export interface CountedReason {
  readonly key: string
  /** Key to use instead when there are {@link MAX_REASONS}. */
  readonly otherKey: string
  /** Row with this failure, from 0. */
  readonly row: number
}

const NOTHING: CountChange = { started: 0, finished: 0, failed: 0, unstarted: 0, usd: 0 }

/** Change of a run's state, or of its usage, that the counts of its set record. */
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
  const reason = failure && { key: reasonKey(failure), otherKey: otherReasonsKey(failure.kind), row }
  return { ...NOTHING, failed: 1, failedRow: row, unstarted, usd, ...(reason && { reason }) }
}

/** Number of items with the counts of a set. Reduces write conflicts of runs that end concurrently. */
const COUNT_SHARDS = 16

/** Shard of a row's counts. */
export function shardOf({ row }: Pick<SetRunPlace, 'row'>): number {
  return row % COUNT_SHARDS
}

/** Maximum number of characters of a message that are searched for its reason. */
const MESSAGE_LENGTH = 2000
/** Number of characters that distinguish reasons. */
const REASON_LENGTH = 200

/** Names of parameters, quoted values, and words. */
const PARTS = /\b(?:in|out)put "(?:[^"\\]|\\.)*"|"(?:[^"\\]|\\.)*"|[\w-]+/gu

/**
 * Key of a failure's reason. Messages that differ only in quoted values, numbers or ids have the same key, but those about different
 * parameters or exit codes do not. Only the first line counts, because the others are the end of the log.
 */
export function reasonKey({
  kind,
  message,
  exitCode,
}: Pick<RunFailure, 'kind' | 'message' | 'exitCode'>): string {
  const [first = ''] = message.slice(0, MESSAGE_LENGTH).split('\n', 1)
  const text = first.replaceAll(PARTS, (part) => {
    if (part.includes('"')) return part.startsWith('"') ? '""' : part
    return /\d/u.test(part) ? '#' : part
  })
  const distinct = `${exitCode ?? ''} ${text.slice(0, REASON_LENGTH)}`
  return `${kind}:${createHash('sha256').update(distinct).digest('hex').slice(0, 10)}`
}

/** Maximum number of reasons in one item of counts, which every description of the set reads. */
export const MAX_REASONS = 100

const OTHER = ':other'

/** Key of all reasons of a kind beyond {@link MAX_REASONS}. */
export function otherReasonsKey(kind: RunFailureKind): string {
  return kind + OTHER
}

/** Kind of the failures that a key stands for. */
export function kindOfReason(key: string): RunFailureKind {
  const kind = key.slice(0, key.indexOf(':'))
  return RUN_FAILURE_KINDS.find((known) => known === kind) ?? 'engine-error'
}

/** Whether a key is that of several reasons. */
export function isOtherReasons(key: string): boolean {
  return key.endsWith(OTHER)
}

/** Counts of one round. */
export interface RoundCounts extends Omit<CountChange, 'failedRow' | 'reason'> {
  /** Rows, from 0, whose runs failed, so that a retry knows them after the deletion of the runs. */
  readonly failedRows: ReadonlySet<number>
  /** Number of failures and an example row, by {@link reasonKey}. */
  readonly reasons: ReadonlyMap<string, { readonly count: number; readonly row: number }>
}

export const NO_COUNTS: RoundCounts = { ...NOTHING, failedRows: new Set(), reasons: new Map() }

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
    failedRows: one.failedRows.union(other.failedRows),
    reasons,
  }
}
