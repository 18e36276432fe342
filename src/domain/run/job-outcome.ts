import * as z from 'zod'
import { CONTAINERS } from '../job/job-definition.ts'
import type { RunFailure, RunJob } from './run.ts'
import type { RunState } from './transitions.ts'

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

/** Containers of the last attempt that tells of any; a running job tells of them beside its properties. */
function containersOf(job: JobDetail): readonly JobContainerDetail[] {
  const attempts = job.attempts.flatMap((attempt) => attempt.taskProperties).slice(-1)
  const source = attempts.length > 0 ? attempts : (job.ecsProperties?.taskProperties ?? [])
  return source.flatMap((task) => task.containers)
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
/** Of EC2 and of Fargate; the same that a job is tried again for (src/domain/job/job-definition.ts). */
const HOST_LOST = /^(?:Host EC2|Your Spot Task was interrupted)/u
/** How Batch's blocked queues begin their reasons, and how its limit for them tells that it has struck. */
const NO_PLACE = /^(?:CAPACITY|MISCONFIGURATION):|JobStateTimeLimit/u

/** Why a FAILED job failed, most telling cause first. */
export function explainJobFailure(job: JobDetail): Omit<RunFailure, 'attempt'> {
  const containers = containersOf(job)
  const failed = (name: string): JobContainerDetail | undefined =>
    containers.find((container) => container.name === name && (container.exitCode ?? 0) !== 0)
  // Of the last attempt alone: what was retried is over.
  const reasons = [
    job.statusReason,
    job.attempts.at(-1)?.statusReason,
    ...containers.map((container) => container.reason),
  ].filter((reason) => reason !== undefined)
  const said = (pattern: RegExp): string | undefined => reasons.find((reason) => pattern.test(reason))

  const task = containers.find((container) => container.name === CONTAINERS.task)
  if (OUT_OF_MEMORY.test(task?.reason ?? '')) {
    return {
      kind: 'out-of-memory',
      message:
        'the task needed more memory than it asked for and was stopped; raise configuration.resources.ram in its descriptor',
      ...(task?.exitCode === undefined ? {} : { exitCode: task.exitCode }),
    }
  }
  // Before the exit code: a container that is killed at the time limit also has one.
  const timedOut = said(/exceeded timeout/u)
  if (timedOut !== undefined) {
    return { kind: 'time-out', message: 'the run took longer than this installation allows and was stopped' }
  }
  const noPlace = said(NO_PLACE)
  if (noPlace !== undefined) {
    return { kind: 'unschedulable', message: `no machine could be found for the task: ${noPlace}` }
  }
  // Before the exit code, for the same reason. The engine itself ends jobs of runs that have their end already.
  if (job.isTerminated === true || job.isCancelled === true) {
    return {
      kind: 'cancelled',
      message: `the job was ended from outside: ${job.statusReason ?? 'no reason given'}`,
    }
  }
  const pull = said(CANNOT_PULL)
  if (pull !== undefined) {
    return { kind: 'image-unavailable', message: `the task's image could not be pulled: ${pull}` }
  }
  // Before the exit codes: a reclaimed machine gives its containers two minutes to end, with whatever code.
  const host = said(HOST_LOST)
  if (host !== undefined) {
    return { kind: 'host-lost', message: `the machine under the task went away: ${host}` }
  }
  if (failed(CONTAINERS.stageIn) !== undefined) {
    return { kind: 'input-staging-failed', message: 'the inputs could not be brought to the task' }
  }
  const exitCode = failed(CONTAINERS.task)?.exitCode
  if (exitCode !== undefined) {
    return { kind: 'task-failed', message: `the task ended with exit code ${exitCode}`, exitCode }
  }
  if (failed(CONTAINERS.stageOut) !== undefined) {
    return { kind: 'output-staging-failed', message: 'the outputs could not be taken from the task' }
  }
  return {
    kind: 'engine-error',
    message: [...new Set(reasons)].join('; ') || 'the job failed without a reason',
  }
}
