import * as z from 'zod'
import { ACTIVE_RUNS, type Item, type ItemKey } from '../aws/dynamo-table.ts'
import { TABLE } from '../contract/environment.ts'
import {
  type InputValue,
  inputValueSchema,
  jobUsageSchema,
  type Run,
  runFailureSchema,
  runSchema,
} from './run.ts'
import { type RunRow, rowCost, rowFailure, runOrder } from './run-row.ts'
import { isActive, RUN_STATES, type RunState } from './transitions.ts'

const listingSchema = z.object({ runId: z.string() })

/** Attribute of runs whose removal has begun. */
export const IN_REMOVAL = 'inRemoval'

/** Start of the sort keys of a run's input values. */
export const INPUT_PREFIX = 'INPUT#'
/** Start of the sort keys of a task's runs. */
export const LISTED_RUN_PREFIX = 'RUN#'

export function runKey(runId: string): ItemKey {
  return { pk: `RUN#${runId}`, sk: 'RUN' }
}

/** Inverse of {@link runKey}. */
export function runIdOf({ pk }: ItemKey): string {
  return pk.slice('RUN#'.length)
}

/** Key of the item that lists a run with its task, in order of creation. */
export function listedRunKey(run: Pick<Run, 'id' | 'taskId' | 'createdAt'>): ItemKey {
  return { pk: taskRunsPartition(run.taskId), sk: `${LISTED_RUN_PREFIX}${run.createdAt}#${run.id}` }
}

/** Partition that lists the runs of a task. */
export function taskRunsPartition(taskId: string): string {
  return `TASK#${taskId}`
}

export function inputKey(value: Pick<InputValue, 'runId' | 'parameterName' | 'valueId'>): ItemKey {
  return { pk: runKey(value.runId).pk, sk: `${INPUT_PREFIX}${value.parameterName}#${value.valueId}` }
}

/** Key of the item that names the latest FINISHED run with this result key. */
export function resultItemKey(resultKey: string): ItemKey {
  return { pk: `RESULT#${resultKey}`, sk: 'RESULT' }
}

/** Partitions of the index of runs. Each allows 1000 writes a second; see decision 19. */
export const RUN_SHARDS = ['RUNS#0', 'RUNS#1', 'RUNS#2', 'RUNS#3'] as const

/** One of the partitions, by the last digit of the random id of a run. */
function partitionFor<Partition>(runId: string, partitions: readonly [Partition, ...Partition[]]): Partition {
  return partitions[Number.parseInt(runId.slice(-1), 16) % partitions.length] ?? partitions[0]
}

/** Partition of an active run in the unfinished index. */
export function activePartitionOf(runId: string): (typeof ACTIVE_RUNS)[number] {
  return partitionFor(runId, ACTIVE_RUNS)
}

/**
 * Attribute with the time at which the run entered a state. Each state has its own, because an update cannot add to a missing
 * map.
 */
export function enteredAttribute(state: RunState): string {
  return `entered#${state}`
}

/** The item of a new run. */
export function encodeRun({ updatedAt, entered, ...run }: Run): ItemKey & Item {
  const { partitionKey, sortKey } = TABLE.runIndex
  return {
    ...runKey(run.id),
    ...run,
    ...Object.fromEntries(
      Object.entries(entered).map(([state, value]) => [enteredAttribute(state as RunState), value]),
    ),
    ...rowAttributes(run),
    // Absent until the first change, because the sort key of an index cannot be null.
    ...(updatedAt !== null && { updatedAt }),
    ...(isActive(run.state) && { [TABLE.unfinishedIndex.partitionKey]: activePartitionOf(run.id) }),
    [partitionKey]: partitionFor(run.id, RUN_SHARDS),
    [sortKey]: runOrder(run),
  }
}

/** Copies of parts of other attributes for {@link TABLE.runIndex}, which can project only whole attributes. */
export function rowAttributes({ failure, job }: Pick<Run, 'failure' | 'job'>): Item {
  return {
    ...(failure && { rowFailure: rowFailure(failure) }),
    ...(job?.usage && { rowCost: rowCost(job.usage) }),
  }
}

export function decodeRun(item: Item): Run {
  return runSchema.parse({ ...item, entered: enteredStates(item) })
}

function enteredStates(item: Item): Partial<Record<RunState, unknown>> {
  return Object.fromEntries(
    RUN_STATES.flatMap((state) => {
      const value = item[enteredAttribute(state)]
      return value === undefined ? [] : [[state, value]]
    }),
  )
}

/** Item of the index of runs. */
const rowItemSchema = runSchema
  .pick({ id: true, taskId: true, state: true, createdAt: true, updatedAt: true, entered: true })
  .extend({
    rowFailure: runFailureSchema.pick({ kind: true, message: true }).exactOptional(),
    rowCost: jobUsageSchema.pick({ usd: true, pricesOf: true }).exactOptional(),
  })

/** Row of an item of the index. */
export function decodeRow(item: Item): RunRow {
  const {
    rowFailure: failure,
    rowCost: cost,
    ...row
  } = rowItemSchema.parse({
    ...item,
    entered: enteredStates(item),
  })
  return { ...row, ...(failure && { failure }), ...(cost && { cost }) }
}

/** The run of an item; undefined when there is no item or the run is being removed. */
export function visibleRun(item: Item | undefined): Run | undefined {
  return item === undefined || Object.hasOwn(item, IN_REMOVAL) ? undefined : decodeRun(item)
}

export function encodeInputValue(value: InputValue): ItemKey & Item {
  return { ...inputKey(value), ...value }
}

export function decodeInputValue(item: Item): InputValue {
  return inputValueSchema.parse(item)
}

/** The item that lists a run with its task. */
export function encodeListedRun(run: Run): ItemKey & Item {
  return { ...listedRunKey(run), runId: run.id }
}

/** Inverse of {@link encodeListedRun}: the run's id. */
export function decodeListedRun(item: Item): string {
  return listingSchema.parse(item).runId
}
