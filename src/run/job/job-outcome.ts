import * as z from 'zod'
import type { RunFailure, RunJob } from '../run.ts'
import type { RunState } from '../transitions.ts'
import { CONTAINERS } from './job-definition.ts'
import { engineWords, explainStartFailure } from './start-failure.ts'

/*
 * What AWS Batch says about a job, and what that means for the run. Shapes follow the "Batch Job State Change" event and
 * DescribeJobs, which agree in the fields read here.
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

/** The part of a job's description that is read; unknown fields are ignored. */
export const jobDetailSchema = z.object({
  jobName: z.string(),
  jobId: z.string(),
  status: z.enum(JOB_STATUSES),
  statusReason: z.string().optional(),
  /** Milliseconds since 1970. */
  createdAt: z.number().optional(),
  /** Somebody called TerminateJob or CancelJob. */
  isTerminated: z.boolean().optional(),
  isCancelled: z.boolean().optional(),
  attempts: z
    .array(
      z.object({
        statusReason: z.string().optional(),
        taskProperties: taskPropertiesSchema,
        /** Milliseconds since 1970; the first is missing when no container ran. */
        startedAt: z.number().optional(),
        stoppedAt: z.number().optional(),
      }),
    )
    .default([]),
  ecsProperties: z.object({ taskProperties: taskPropertiesSchema }).optional(),
})
export type JobDetail = z.infer<typeof jobDetailSchema>

type JobContainerDetail = z.infer<typeof containerSchema>

/** State that a job's status stands for; none for the ends, which need more than a status. */
const STATE_OF: Readonly<Record<JobStatus, RunState | undefined>> = {
  SUBMITTED: 'QUEUED',
  PENDING: 'QUEUED',
  RUNNABLE: 'PENDING',
  STARTING: 'PENDING',
  RUNNING: 'RUNNING',
  SUCCEEDED: undefined,
  FAILED: undefined,
}

export function stateOfJob(status: JobStatus): RunState | undefined {
  return STATE_OF[status]
}

/** Containers of the present attempt, by the job's properties, and of the last one that has ended. */
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
 * Log stream of a container, once Batch knows it. A job is RUNNING with its first container and may not name the streams of
 * the others yet; they differ in the container's name alone: `<prefix>/<container>/<id of the ECS task>`.
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

/** Log streams of the task's container in all attempts that Batch tells of. */
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

/** Log streams of all containers beside one whose stream is known, and that one. */
export function streamsBeside(logStreamName: string): readonly string[] {
  const siblings = Object.values(CONTAINERS).flatMap((name) => siblingStream(logStreamName, name) ?? [])
  return [...new Set([logStreamName, ...siblings])]
}

/** Log stream of the task's container. */
export function taskLogStream(job: JobDetail): string | undefined {
  return logStreamOf(job, CONTAINERS.task)
}

/** Why a job waits for a machine, where Batch says so; an event of an ordinary change of state has no reason. */
export function waitingOf(job: JobDetail): RunJob['waiting'] {
  if (job.status !== 'RUNNABLE' || job.statusReason === undefined || job.createdAt === undefined)
    return undefined
  return { reason: job.statusReason, since: new Date(job.createdAt).toISOString() }
}

/** Whether nothing of the job will change any more. */
export function hasEnded(job: Pick<JobDetail, 'status'>): boolean {
  return job.status === 'SUCCEEDED' || job.status === 'FAILED'
}

const OUT_OF_MEMORY = /OutOfMemory/u
const CANNOT_PULL = /CannotPull/u
const NO_SPACE = /no space left on device|disk quota exceeded/iu
/** Of EC2 and of Fargate; the same that a job is tried again for (src/run/job/job-definition.ts). */
const HOST_LOST = /^(?:Host EC2|Your Spot Task was interrupted)/u
/** How Batch's blocked queues begin their reasons, and how its limit for them tells that it has struck. */
const NO_PLACE = /^(?:CAPACITY|MISCONFIGURATION):|JobStateTimeLimit/u
/**
 * A container that the ECS agent never started because the one before it failed. Its exit code 143 is the agent's
 * (aws/amazon-ecs-agent#3218), so such a container says nothing about the cause.
 */
const NEVER_STARTED = /\bdependency graph:/u

/** How the agent begins a reason of its own, such as `CannotStartContainerError: …`; a program that just ends has none. */
const ENGINE_ERROR = /^\w+Error\b/u

type Failure = Omit<RunFailure, 'attempt'>

/** Containers that ran, or that the machine itself could not start. */
function tellingContainers(job: JobDetail): readonly JobContainerDetail[] {
  return containersOf(job).filter(({ reason = '' }) => !NEVER_STARTED.test(reason))
}

function hasFailed({ exitCode = 0, reason = '' }: JobContainerDetail): boolean {
  return exitCode !== 0 || ENGINE_ERROR.test(reason)
}

/**
 * Whether a container has failed and the job goes on all the same: ECS may leave a container that waits for the SUCCESS of
 * another in PENDING for ever (aws/containers-roadmap#817, aws/amazon-ecs-agent#2579).
 */
export function isStalled(job: JobDetail): boolean {
  if (job.status !== 'STARTING' && job.status !== 'RUNNING') return false
  const containers = presentContainers(job)
  // What is left of an attempt before this one says nothing about this one.
  const ended = job.attempts.flatMap(({ taskProperties }) => taskProperties.map(({ taskArn }) => taskArn))
  if (ended.includes(job.ecsProperties?.taskProperties.at(0)?.taskArn) || ended.includes(undefined))
    return false
  const last = containers.find(({ name }) => name === CONTAINERS.stageOut)
  const isEnding = last?.exitCode !== undefined && !NEVER_STARTED.test(last.reason ?? '')
  return !isEnding && containers.some((one) => one !== last && hasFailed(one))
}

/** Why a FAILED job failed, or a stalled one will, most telling cause first. */
export function explainJobFailure(job: JobDetail): Failure {
  const containers = tellingContainers(job)
  // Of the last attempt alone: what was retried is over.
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
    limit === undefined ? 'more memory than it asked for' : `more than its ${limit} MiB of memory`
  return {
    kind: 'out-of-memory',
    message: `the task needed ${amount} and was stopped; raise configuration.resources.ram in its descriptor`,
    ...(task?.exitCode === undefined ? {} : { exitCode: task.exitCode }),
  }
}

/** Attempts do not repeat what containers asked for; the job's properties do. */
function memoryLimitMib(job: JobDetail): string | undefined {
  const task = presentContainers(job).find(({ name }) => name === CONTAINERS.task)
  return task?.resourceRequirements?.find(({ type }) => type === 'MEMORY')?.value
}

/** What must be asked before exit codes, since a container that is stopped from outside has one too. */
function endedFromOutside(job: JobDetail, reasons: readonly string[]): Failure | undefined {
  const said = (pattern: RegExp): string | undefined => reasons.find((reason) => pattern.test(reason))
  if (said(/exceeded timeout/u) !== undefined) {
    return { kind: 'time-out', message: 'the run took longer than this installation allows and was stopped' }
  }
  const noPlace = said(NO_PLACE)
  if (noPlace !== undefined) {
    return { kind: 'unschedulable', message: `no machine could be found for the task: ${noPlace}` }
  }
  // The engine itself ends jobs of runs that have their end already.
  if (job.isTerminated === true || job.isCancelled === true) {
    return {
      kind: 'cancelled',
      message: `the job was ended from outside: ${job.statusReason ?? 'no reason given'}`,
    }
  }
  const pull = said(CANNOT_PULL)
  if (pull !== undefined) return explainPull(pull)
  // A reclaimed machine gives its containers two minutes to end, with whatever code.
  const host = said(HOST_LOST)
  return host === undefined
    ? undefined
    : { kind: 'host-lost', message: `the machine under the task went away: ${host}` }
}

/** The image is where it was when it is the disk that has no room for it. */
function explainPull(reason: string): Failure {
  if (!NO_SPACE.test(reason)) {
    return {
      kind: 'image-unavailable',
      message: `the task's image could not be pulled: ${engineWords(reason)}`,
    }
  }
  return {
    kind: 'unschedulable',
    message: `the disk of the machine had no room left for the task's image: make the image smaller, or ask the operators for a larger disk of the queue (queues.ec2.diskGib; Fargate has 200 GiB at most); the machine said: ${engineWords(reason)}`,
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
    // Without an exit code: one that comes with such a reason is the engine's, not the task's.
    return { kind: 'task-failed', message: `the task could not be started: ${start}` }
  }
  // With a reason of the machine's the code is the machine's as well.
  if (task?.exitCode && !ENGINE_ERROR.test(task.reason ?? '')) {
    const { exitCode } = task
    return { kind: 'task-failed', message: `the task ended with exit code ${exitCode}`, exitCode }
  }
  if (task === undefined && failed(CONTAINERS.stageOut)?.exitCode) {
    return { kind: 'output-staging-failed', message: 'the outputs could not be taken from the task' }
  }
  return undefined
}
