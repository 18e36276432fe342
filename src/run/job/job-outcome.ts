import * as z from 'zod'
import type { RunFailure, RunJob } from '../run.ts'
import type { RunState } from '../transitions.ts'
import { CONTAINERS } from './job-definition.ts'
import { engineWords, explainStartFailure } from './start-failure.ts'

/*
 * Interprets AWS Batch's description of a job. The event "Batch Job State Change" and DescribeJobs agree in the fields read here.
 */

const JOB_STATUSES = [
  'SUBMITTED',
  'PENDING',
  'RUNNABLE',
  'STARTING',
  'RUNNING',
  'SUCCEEDED',
  'FAILED',
] as const
export type JobStatus = (typeof JOB_STATUSES)[number]

const containerSchema = z.object({
  name: z.string().optional(),
  exitCode: z.number().int().optional(),
  reason: z.string().optional(),
  logStreamName: z.string().optional(),
  resourceRequirements: z.array(z.object({ type: z.string(), value: z.string() })).optional(),
})
const taskPropertiesSchema = z
  .array(
    z.object({
      taskArn: z.string().optional(),
      containers: z.array(containerSchema).default([]),
      ephemeralStorage: z.object({ sizeInGiB: z.number().optional() }).optional(),
    }),
  )
  .default([])

/** Fields of a job's description that the engine reads. */
export const jobDetailSchema = z.object({
  jobName: z.string(),
  jobId: z.string(),
  status: z.enum(JOB_STATUSES),
  statusReason: z.string().optional(),
  /** Milliseconds since 1970. */
  createdAt: z.number().optional(),
  /** TerminateJob or CancelJob was called. */
  isTerminated: z.boolean().optional(),
  isCancelled: z.boolean().optional(),
  attempts: z
    .array(
      z.object({
        statusReason: z.string().optional(),
        taskProperties: taskPropertiesSchema,
        /** Milliseconds since 1970; `startedAt` is missing when no container ran. */
        startedAt: z.number().optional(),
        stoppedAt: z.number().optional(),
      }),
    )
    .default([]),
  ecsProperties: z.object({ taskProperties: taskPropertiesSchema }).optional(),
})
export type JobDetail = z.infer<typeof jobDetailSchema>

type JobContainerDetail = z.infer<typeof containerSchema>

/** Run state of each job status; the final ones need more than a status. */
const STATE_OF: Readonly<Record<JobStatus, RunState | undefined>> = {
  SUBMITTED: 'QUEUED',
  PENDING: 'QUEUED',
  RUNNABLE: 'PENDING',
  STARTING: 'PENDING',
  RUNNING: 'RUNNING',
  SUCCEEDED: undefined,
  FAILED: undefined,
}

/** Run state of a job status; undefined for final ones. */
export function stateOfJob(status: JobStatus): RunState | undefined {
  return STATE_OF[status]
}

/** Containers of the current job attempt, else of the last one. */
function containersOf(job: JobDetail): readonly JobContainerDetail[] {
  const present = presentContainers(job)
  const attempts = job.attempts.flatMap((attempt) => attempt.taskProperties).slice(-1)
  if (attempts.length === 0) return present
  const isUnderWay = !hasEnded(job) && present.some(hasBegun)
  return isUnderWay ? present : attempts.flatMap((task) => task.containers)
}

function presentContainers({ ecsProperties }: JobDetail): readonly JobContainerDetail[] {
  return (ecsProperties?.taskProperties ?? []).flatMap((task) => task.containers)
}

function hasBegun({ exitCode, reason, logStreamName }: JobContainerDetail): boolean {
  return exitCode !== undefined || reason !== undefined || logStreamName !== undefined
}

/**
 * Log stream of a container; undefined before Batch names one. A job is RUNNING with its first container and may not name the streams of
 * the others yet, which differ only in the container's name: `<prefix>/<container>/<id of the ECS task>`.
 */
export function logStreamOf(job: JobDetail, containerName: string): string | undefined {
  const containers = containersOf(job)
  const own = containers.find(({ name }) => name === containerName)?.logStreamName
  if (own !== undefined) return own
  const sibling = containers.find(({ logStreamName }) => logStreamName !== undefined)
  return siblingStream(sibling?.logStreamName ?? '', containerName)
}

function siblingStream(logStreamName: string, containerName: string): string | undefined {
  const [, prefix, taskId] = /^(.+)\/[^/]+\/([^/]+)$/u.exec(logStreamName) ?? []
  return prefix === undefined ? undefined : `${prefix}/${containerName}/${taskId}`
}

/** Log streams of the task's container in all job attempts. */
export function taskLogStreams(job: JobDetail): readonly string[] {
  const tasks = [
    ...job.attempts.flatMap((attempt) => attempt.taskProperties),
    ...(job.ecsProperties?.taskProperties ?? []),
  ]
  const known = tasks.flatMap(({ containers }) =>
    containers.flatMap(({ logStreamName = [] }) => logStreamName),
  )
  return [...new Set(known.map((stream) => siblingStream(stream, CONTAINERS.task) ?? stream))]
}

/** Log streams of all containers of a job attempt, given that of one container. */
export function streamsBeside(logStreamName: string): readonly string[] {
  const siblings = Object.values(CONTAINERS).flatMap((name) => siblingStream(logStreamName, name) ?? [])
  return [...new Set([logStreamName, ...siblings])]
}

/** Log stream of the task's container. */
export function taskLogStream(job: JobDetail): string | undefined {
  return logStreamOf(job, CONTAINERS.task)
}

/** Batch's reason why a job waits for a machine; undefined in events of ordinary status changes, which have none. */
export function waitingOf(job: JobDetail): RunJob['waiting'] {
  if (job.status !== 'RUNNABLE' || job.statusReason === undefined || job.createdAt === undefined)
    return undefined
  return { reason: job.statusReason, since: new Date(job.createdAt).toISOString() }
}

/** Whether the job's status is final. */
export function hasEnded(job: Pick<JobDetail, 'status'>): boolean {
  return job.status === 'SUCCEEDED' || job.status === 'FAILED'
}

const OUT_OF_MEMORY = /OutOfMemory/u
const CANNOT_PULL = /CannotPull/u
const NO_SPACE = /no space left on device|disk quota exceeded/iu
/** Reasons of EC2 and Fargate; RETRY_RULES in job-definition.ts retries the same. */
const HOST_LOST = /^(?:Host EC2|Your Spot Task was interrupted)/u
/** Reasons of blocked queues, and of the job state time limit that ends such jobs. */
const NO_PLACE = /^(?:CAPACITY|MISCONFIGURATION):|JobStateTimeLimit/u
/**
 * Reason of a container that the ECS agent did not start because one that it depends on failed. Its exit code 143 is the agent's
 * (aws/amazon-ecs-agent#3218) and says nothing about the cause.
 */
const NEVER_STARTED = /\bdependency graph:/u

/** A reason of the ECS agent, such as `CannotStartContainerError: …`; a program that exits has none. */
const ENGINE_ERROR = /^\w+Error\b/u

type Failure = Omit<RunFailure, 'attempt'>

/** Containers that ran, or that the machine could not start. */
function startedContainers(job: JobDetail): readonly JobContainerDetail[] {
  return containersOf(job).filter(({ reason = '' }) => !NEVER_STARTED.test(reason))
}

function hasFailed({ exitCode = 0, reason = '' }: JobContainerDetail): boolean {
  return exitCode !== 0 || ENGINE_ERROR.test(reason)
}

/**
 * Whether a container failed and Batch does not end the job: ECS may leave a container that waits for the SUCCESS of another in PENDING
 * for ever (aws/containers-roadmap#817, aws/amazon-ecs-agent#2579).
 */
export function isStalled(job: JobDetail): boolean {
  if (job.status !== 'STARTING' && job.status !== 'RUNNING') return false
  const containers = presentContainers(job)
  // The properties may still describe the previous job attempt.
  const ended = job.attempts.flatMap(({ taskProperties }) => taskProperties.map(({ taskArn }) => taskArn))
  if (ended.includes(job.ecsProperties?.taskProperties.at(0)?.taskArn) || ended.includes(undefined))
    return false
  const last = containers.find(({ name }) => name === CONTAINERS.stageOut)
  const isEnding = last?.exitCode !== undefined && !NEVER_STARTED.test(last.reason ?? '')
  return !isEnding && containers.some((one) => one !== last && hasFailed(one))
}

/** Why a FAILED or stalled job failed; the most specific cause comes first. */
export function explainJobFailure(job: JobDetail): Failure {
  const containers = startedContainers(job)
  // Of the last job attempt: failures of earlier ones were retried.
  const reasons = [
    job.statusReason,
    job.attempts.at(-1)?.statusReason,
    ...containers.map((container) => container.reason),
  ].filter((reason) => reason !== undefined)
  return (
    outOfMemory(job, containers) ??
    endedFromOutside(job, reasons) ??
    failedContainer(containers) ?? {
      kind: 'engine-error',
      message: [...new Set(reasons.map(engineWords))].join('; ') || 'the job failed without a reason',
    }
  )
}

function outOfMemory(job: JobDetail, containers: readonly JobContainerDetail[]): Failure | undefined {
  const task = containers.find(({ name }) => name === CONTAINERS.task)
  if (!OUT_OF_MEMORY.test(task?.reason ?? '')) return undefined
  const limit = memoryLimitMib(job)
  const amount =
    limit === undefined ? 'more memory than it requested' : `more than its ${limit} MiB of memory`
  return {
    kind: 'out-of-memory',
    message: `the task needed ${amount} and was stopped; raise configuration.resources.ram in its descriptor`,
    ...(task?.exitCode === undefined ? {} : { exitCode: task.exitCode }),
  }
}

/** Only the job's properties have the resource requirements, not its attempts. */
function memoryLimitMib(job: JobDetail): string | undefined {
  const task = presentContainers(job).find(({ name }) => name === CONTAINERS.task)
  return task?.resourceRequirements?.find(({ type }) => type === 'MEMORY')?.value
}

/** Causes outside the containers. They come before exit codes, because a container that is stopped has one too. */
function endedFromOutside(job: JobDetail, reasons: readonly string[]): Failure | undefined {
  const reasonLike = (pattern: RegExp): string | undefined => reasons.find((reason) => pattern.test(reason))
  if (reasonLike(/exceeded timeout/u) !== undefined) {
    return { kind: 'time-out', message: 'the run took longer than this installation allows and was stopped' }
  }
  const noPlace = reasonLike(NO_PLACE)
  if (noPlace !== undefined) {
    return { kind: 'unschedulable', message: `no machine is available for the task: ${noPlace}` }
  }
  // The engine terminates only jobs of final runs, so another client terminated this one.
  if (job.isTerminated === true || job.isCancelled === true) {
    return {
      kind: 'cancelled',
      message: `the job was terminated by another client of AWS Batch: ${job.statusReason ?? 'no reason given'}`,
    }
  }
  const pull = reasonLike(CANNOT_PULL)
  if (pull !== undefined) return explainPull(pull)
  // Before exit codes: containers of a reclaimed machine have two minutes to exit, with any code.
  const host = reasonLike(HOST_LOST)
  return host === undefined
    ? undefined
    : { kind: 'host-lost', message: `the machine of the task was lost: ${host}` }
}

/** A full disk is not the fault of the image. */
function explainPull(reason: string): Failure {
  if (!NO_SPACE.test(reason)) {
    return {
      kind: 'image-unavailable',
      message: `the task's image could not be pulled: ${engineWords(reason)}`,
    }
  }
  return {
    kind: 'unschedulable',
    message: `the disk of the machine has no space left for the task's image: make the image smaller, or ask the operators for a larger disk of the queue (queues.ec2.diskGib; Fargate has 200 GiB at most); the message was: ${engineWords(reason)}`,
  }
}

function failedContainer(containers: readonly JobContainerDetail[]): Failure | undefined {
  const failed = (name: string): JobContainerDetail | undefined =>
    containers.find((container) => container.name === name && hasFailed(container))
  const stageIn = failed(CONTAINERS.stageIn)
  if (stageIn?.exitCode) {
    return { kind: 'input-staging-failed', message: 'the inputs could not be brought to the task' }
  }
  const task = failed(CONTAINERS.task)
  const start = explainStartFailure(task?.reason ?? '')
  if (start !== undefined) {
    // Without an exit code: with such a reason it is the container engine's.
    return { kind: 'task-failed', message: `the task could not be started: ${start}` }
  }
  // With a reason of the agent the exit code is the agent's too.
  if (task?.exitCode && !ENGINE_ERROR.test(task.reason ?? '')) {
    const { exitCode } = task
    return { kind: 'task-failed', message: `the task ended with exit code ${exitCode}`, exitCode }
  }
  if (task === undefined && failed(CONTAINERS.stageOut)?.exitCode) {
    return { kind: 'output-staging-failed', message: 'the outputs could not be taken from the task' }
  }
  return undefined
}
