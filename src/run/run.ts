import * as z from 'zod'
import type { Immutable } from '../contract/immutable.ts'
import { RUN_FAILURE_KINDS } from '../contract/run-failure-kinds.ts'
import { NOT_REUSED_REASONS } from './not-reused-reasons.ts'
import { RUN_STATES } from './transitions.ts'

export const runFailureSchema = z.object({
  kind: z.enum(RUN_FAILURE_KINDS),
  /** A sentence for the task's author. */
  message: z.string(),
  /** Exit code of the task's container. */
  exitCode: z.number().exactOptional(),
  /** {@link RunJob.attempt} that failed. */
  attempt: z.number().exactOptional(),
})
/** Why a run is FAILED. */
export type RunFailure = Immutable<z.infer<typeof runFailureSchema>>

const provisionSchema = z.discriminatedUnion('kind', [
  /** The input has the stored value `valueId`. */
  z.object({
    kind: z.literal('value'),
    valueId: z.string(),
    /** Length of an array that was provisioned whole. */
    size: z.number().exactOptional(),
    /** Indexes of that array, when they are not 0 to `size` - 1. */
    indexes: z.array(z.number()).exactOptional(),
    /** Array items only: id of the array value (or of its clearing) that the item modifies. The item counts while that is current. */
    base: z.string().exactOptional(),
    /** Only for arrays that were assembled from single items: the `base` of these items, and of items that arrive later. */
    itemBase: z.string().exactOptional(),
    /** Only for items of a nested array that was provisioned whole: item count of each inner level on the path to the item. */
    levelSizes: z.array(z.number()).exactOptional(),
  }),
  /** Explicit null for an optional input: it has no file, and its default does not apply. */
  z.object({
    kind: z.literal('cleared'),
    /** Arrays only: identifies this clearing; items that were provisioned before it do not count. */
    clearedId: z.string().exactOptional(),
  }),
])
/** Stored value of one input of a run. */
export type Provision = Immutable<z.infer<typeof provisionSchema>>

export const jobUsageSchema = z.object({
  /** From submission to the first container. */
  queueSeconds: z.number(),
  /** From the first container to the end, summed over Batch's attempts. */
  jobSeconds: z.number(),
  vcpuSeconds: z.number(),
  memoryGibSeconds: z.number(),
  /** Disk beyond the 20 GiB that are free on Fargate. */
  diskGibSeconds: z.number(),
  gpuSeconds: z.number(),
  /** Estimate, see job/cost.ts. */
  usd: z.number(),
  /** Date of the prices. */
  pricesOf: z.string(),
})
/** Usage of a job, and an estimate of its cost. */
export type JobUsage = Immutable<z.infer<typeof jobUsageSchema>>

const runJobSchema = z.object({
  /** From 1, one more for each submission of the run. */
  attempt: z.number(),
  /** Derived from run id and attempt, so that an event identifies its run before the job id is stored. */
  jobName: z.string(),
  jobId: z.string().exactOptional(),
  /** Step Functions task token; the job's last event completes it. */
  taskToken: z.string().exactOptional(),
  /** CloudWatch log stream of the task's container. */
  logStreamName: z.string().exactOptional(),
  /** Log streams of the task's containers in other job attempts. */
  otherLogStreams: z.array(z.string()).exactOptional(),
  /** Job attempt that succeeded, from 1: its outputs are collected. */
  succeededAttempt: z.number().exactOptional(),
  /** Exit code of the task's container in that attempt, 0; absent when Batch did not report it. */
  taskExitCode: z.number().exactOptional(),
  /** Batch's last reason why the job has no machine, and since when it waits (ISO-8601 UTC). */
  waiting: z.object({ reason: z.string(), since: z.string() }).exactOptional(),
  /** A container failed but Batch continues the job (see isStalled); observed at the run's `updatedAt` or before. */
  isStalled: z.literal(true).exactOptional(),
  /** Set when the job has ended, if a container of it ran. */
  usage: jobUsageSchema.exactOptional(),
})
/** One submission of a run to Batch. */
export type RunJob = Immutable<z.infer<typeof runJobSchema>>

const enteredStateSchema = z.object({
  /** ISO-8601 UTC. */
  at: z.string(),
  /** {@link RunJob.attempt} at that time. */
  attempt: z.number().exactOptional(),
})
/** When a run entered a state. */
export type EnteredState = Immutable<z.infer<typeof enteredStateSchema>>

const stageReportSchema = z.object({
  /** ISO-8601 UTC. */
  endedAt: z.string(),
  seconds: z.number(),
})

const notReusedSchema = z.object({
  reason: z.enum(NOT_REUSED_REASONS),
  /** A sentence for the caller. */
  message: z.string(),
})
/** Why a run that could have taken the outputs of an equal one was executed. */
export type NotReused = Immutable<z.infer<typeof notReusedSchema>>

export const runSchema = z.object({
  id: z.string(),
  taskId: z.string(),
  state: z.enum(RUN_STATES),
  /** ISO-8601 UTC. */
  createdAt: z.string(),
  /** The last time that the run entered each state, except its creation. Runs of earlier versions lack some. */
  entered: z.partialRecord(z.enum(RUN_STATES), enteredStateSchema),
  /** ISO-8601 UTC; null until the first change, when items have no such attribute. */
  updatedAt: z.string().nullable().default(null),
  /** Credential of the stager for the routes of this run. Never part of a response. */
  secret: z.string(),
  /** By parameter name; items of arrays by name, `/` and index path. Frozen from QUEUING on. */
  provisions: z.record(z.string(), provisionSchema),
  job: runJobSchema.exactOptional(),
  /** Key prefix (ending in `/`) of the validated outputs; set together with FINISHED. */
  outputsPrefix: z.string().exactOptional(),
  /** First names at the top of the output folder that belong to no output, shortened; set together with FINISHED. */
  ignoredFiles: z.array(z.string()).exactOptional(),
  failure: runFailureSchema.exactOptional(),
  /** Whether a run of a set takes the outputs of an equal run when its turn has come. */
  reuse: z.literal(true).exactOptional(),
  /** Identifies what a FINISHED run computed (src/inputs/result-key.ts). Absent while it is not known. */
  resultKey: z.string().exactOptional(),
  /** The run that computed the outputs of this one, which was not executed itself. */
  reusedFrom: z.string().exactOptional(),
  notReused: notReusedSchema.exactOptional(),
  /** Last reports of the stager. */
  stageIn: stageReportSchema.exactOptional(),
  stageOut: stageReportSchema.exactOptional(),
})
/** One execution of a task. */
export type Run = Immutable<z.infer<typeof runSchema>>

const stored = {
  key: z.string(),
  sizeBytes: z.number(),
  /** Digest of the object's content (src/shared/content-digest.ts). Absent if S3 computed none, and in items of earlier versions. */
  digest: z.string().exactOptional(),
}

const fileContentSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('inline'), text: z.string() }),
  z.object({ kind: z.literal('object'), ...stored }),
  /** A folder as downloads return it: a zip of uncompressed entries whose names start with the parameter's. */
  z.object({ kind: z.literal('tree'), ...stored }),
  /** A folder as its client packed it: any zip, whose entries belong below the parameter's folder. */
  z.object({ kind: z.literal('zip'), ...stored }),
])
/** Content of one input or output file: small ones in the item, others in the bucket. */
export type FileContent = Immutable<z.infer<typeof fileContentSchema>>

export const inputValueSchema = z.object({
  runId: z.string(),
  parameterName: z.string(),
  valueId: z.string(),
  /** Content of `<input folder>/<parameter>`. */
  file: fileContentSchema,
  /** Content of `<parameter>.geojson`: the geometry that an image was cut out of. */
  companion: fileContentSchema.exactOptional(),
})
/** One stored version of an input; it counts once {@link Run.provisions} points at it. */
export type InputValue = Immutable<z.infer<typeof inputValueSchema>>

/** Provision of an input. Looks at own keys only, because a parameter may be called `constructor`. */
export function provisionOf(run: Pick<Run, 'provisions'>, parameterName: string): Provision | undefined {
  return Object.hasOwn(run.provisions, parameterName) ? run.provisions[parameterName] : undefined
}
