import * as z from 'zod'
import { ACTIVE_RUNS, type Item, type ItemKey } from '../aws/dynamo-table.ts'
import { TABLE } from '../contract/environment.ts'
import { type InputValue, inputValueSchema, type Run, runSchema } from './run.ts'
import { isActive } from './transitions.ts'

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

/** The item of a new run. */
export function encodeRun({ updatedAt, ...run }: Run): ItemKey & Item {
  return {
    ...runKey(run.id),
    ...run,
    // Absent until the first change: the sort key of an index cannot be null.
    ...(updatedAt !== null && { updatedAt }),
    ...(isActive(run.state) && { [TABLE.unfinishedIndex.partitionKey]: ACTIVE_RUNS }),
  }
}

export function decodeRun(item: Item): Run {
  return runSchema.parse(item)
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
