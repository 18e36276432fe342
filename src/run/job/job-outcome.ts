import * as z from 'zod'
import type { RunJob } from '../run.ts'
import type { RunState } from '../transitions.ts'
import { CONTAINERS } from './job-definition.ts'

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

export type JobContainerDetail = z.infer<typeof containerSchema>

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
  if (!hasEnded(job) && present.some(hasBegun)) return present
  const last = attempts.flatMap((task) => task.containers)
  if (job.status !== 'SUCCEEDED') return last
  // The exit code may be in only one of the two places, so they are merged.
  return last.map((container) => ({ ...present.find(({ name }) => name === container.name), ...container }))
}

/** Containers as the job's properties describe them. */
export function presentContainers({ ecsProperties }: JobDetail): readonly JobContainerDetail[] {
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

/**
 * Reason of a container that the ECS agent did not start because one that it depends on failed. Its exit code 143 is the agent's
 * (aws/amazon-ecs-agent#3218) and says nothing about the cause.
 */
const NEVER_STARTED = /\bdependency graph:/u

/** A reason of the ECS agent, such as `CannotStartContainerError: …`; a program that exits has none. */
export const ENGINE_ERROR = /^\w+Error\b/u

/** Containers that ran, or that the machine could not start. */
export function startedContainers(job: JobDetail): readonly JobContainerDetail[] {
  return containersOf(job).filter(({ reason = '' }) => !NEVER_STARTED.test(reason))
}

export function hasFailed({ exitCode = 0, reason = '' }: JobContainerDetail): boolean {
  return exitCode !== 0 || ENGINE_ERROR.test(reason)
}

/** Exit code of the task's container in the last job attempt; undefined when Batch does not report it. */
export function taskExitCode(job: JobDetail): number | undefined {
  return containersOf(job).find(({ name }) => name === CONTAINERS.task)?.exitCode
}

/**
 * Whether a job failed. A job that SUCCEEDED has failed too if its task failed: stage-out exits with 0 when it cannot find out how the
 * task ended.
 */
export function isFailure(job: JobDetail): boolean {
  if (job.status === 'FAILED') return true
  return (
    job.status === 'SUCCEEDED' &&
    startedContainers(job).some((one) => one.name !== CONTAINERS.stageOut && hasFailed(one))
  )
}

/**
 * Whether a container failed but Batch continues the job: stage-out takes what a failed task left, or ECS leaves a container waiting
 * for one that failed (aws/containers-roadmap#817, aws/amazon-ecs-agent#2579).
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

/** Whether stage-out may be at work in a stalled job: ECS starts it after the task's container has exited with a code of its own. */
export function mayBeStagingOut(job: JobDetail): boolean {
  const task = presentContainers(job).find(({ name }) => name === CONTAINERS.task)
  return task?.exitCode !== undefined && !NEVER_STARTED.test(task.reason ?? '')
}
