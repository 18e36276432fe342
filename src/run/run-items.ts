import * as z from 'zod'
import { ACTIVE, type Item, type ItemKey } from '../aws/dynamo-table.ts'
import type { StoredShape } from '../aws/stored-shape.ts'
import { TABLE } from '../contract/environment.ts'
import { RUN_FAILURE_KINDS } from '../contract/run-failure-kinds.ts'
import type { JobUsage } from './job/cost.ts'
import type { FileContent, InputValue, Provision, Run, RunFailure, RunJob } from './run.ts'
import { isActive, RUN_STATES } from './transitions.ts'

const provisionSchema: z.ZodType<Provision> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('value'),
    valueId: z.string(),
    size: z.number().exactOptional(),
    indexes: z.array(z.number()).exactOptional(),
    base: z.string().exactOptional(),
    itemBase: z.string().exactOptional(),
    levelSizes: z.array(z.number()).exactOptional(),
  }),
  z.object({ kind: z.literal('cleared'), clearedId: z.string().exactOptional() }),
])

const usageSchema = z.object({
  queueSeconds: z.number(),
  jobSeconds: z.number(),
  vcpuSeconds: z.number(),
  memoryGibSeconds: z.number(),
  diskGibSeconds: z.number(),
  gpuSeconds: z.number(),
  usd: z.number(),
  pricesOf: z.string(),
} satisfies StoredShape<JobUsage>)

const jobSchema = z.object({
  attempt: z.number(),
  jobName: z.string(),
  jobId: z.string().exactOptional(),
  taskToken: z.string().exactOptional(),
  logStreamName: z.string().exactOptional(),
  otherLogStreams: z.array(z.string()).exactOptional(),
  succeededAttempt: z.number().exactOptional(),
  waiting: z.object({ reason: z.string(), since: z.string() }).exactOptional(),
  isStalled: z.literal(true).exactOptional(),
  usage: usageSchema.exactOptional(),
} satisfies StoredShape<RunJob>)

const failureSchema = z.object({
  kind: z.enum(RUN_FAILURE_KINDS),
  message: z.string(),
  exitCode: z.number().exactOptional(),
  attempt: z.number().exactOptional(),
} satisfies StoredShape<RunFailure>)

const runSchema: z.ZodType<Run> = z.object({
  id: z.string(),
  taskId: z.string(),
  state: z.enum(RUN_STATES),
  createdAt: z.string(),
  updatedAt: z
    .string()
    .optional()
    .transform((text) => text ?? null),
  secret: z.string(),
  provisions: z.record(z.string(), provisionSchema),
  job: jobSchema.exactOptional(),
  outputsPrefix: z.string().exactOptional(),
  failure: failureSchema.exactOptional(),
} satisfies StoredShape<Run>)

const fileSchema: z.ZodType<FileContent> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('inline'), text: z.string() }),
  z.object({ kind: z.literal('object'), key: z.string(), sizeBytes: z.number() }),
  z.object({ kind: z.literal('tree'), key: z.string(), sizeBytes: z.number() }),
  z.object({ kind: z.literal('zip'), key: z.string(), sizeBytes: z.number() }),
])

const inputValueSchema: z.ZodType<InputValue> = z.object({
  runId: z.string(),
  parameterName: z.string(),
  valueId: z.string(),
  file: fileSchema,
  companion: fileSchema.exactOptional(),
} satisfies StoredShape<InputValue>)

const listingSchema = z.object({ runId: z.string() })

/** Attribute that marks a run whose removal has begun. */
export const IN_REMOVAL = 'inRemoval'

/** Start of the sort keys of a run's input values. */
export const INPUT_PREFIX = 'INPUT#'
/** Start of the sort keys of a task's runs. */
export const LISTED_RUN_PREFIX = 'RUN#'

export function runKey(runId: string): ItemKey {
  return { pk: `RUN#${runId}`, sk: 'RUN' }
}

/** The id in {@link runKey}. */
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
    // Absent until the first change: an attribute that an index sorts by may not be null.
    ...(updatedAt !== null && { updatedAt }),
    ...(isActive(run.state) && { [TABLE.activeRunsIndex.partitionKey]: ACTIVE }),
  }
}

export function decodeRun(item: Item): Run {
  return runSchema.parse(item)
}

/** The run as everybody sees it: there is none while it is being removed. */
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

/** The id of a listed run. */
export function decodeListedRun(item: Item): string {
  return listingSchema.parse(item).runId
}
