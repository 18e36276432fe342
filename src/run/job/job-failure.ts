import { TASK_FAILED_EXIT_CODE } from '../../contract/staging.ts'
import type { RunFailure } from '../run.ts'
import { CONTAINERS } from './job-definition.ts'
import {
  ENGINE_ERROR,
  hasFailed,
  type JobContainerDetail,
  type JobDetail,
  presentContainers,
  startedContainers,
} from './job-outcome.ts'
import { engineWords, explainStartFailure } from './start-failure.ts'

type Failure = Omit<RunFailure, 'attempt'>

const OUT_OF_MEMORY = /OutOfMemory/u
const CANNOT_PULL = /CannotPull/u
const NO_SPACE = /no space left on device|disk quota exceeded/iu
/** Reasons of EC2 and Fargate; RETRY_RULES in job-definition.ts retries the same. */
const HOST_LOST = /^(?:Host EC2|Your Spot Task was interrupted)/u
/** Reasons of blocked queues, and of the job state time limit that ends such jobs. */
const NO_PLACE = /^(?:CAPACITY|MISCONFIGURATION):|JobStateTimeLimit/u
/** Why a job failed, or is stalled; the most specific cause comes first. */
export function explainJobFailure(job: JobDetail): Failure {
  const containers = startedContainers(job)
  // The last job attempt counts, because failures of earlier ones were retried.
  const reasons = [
    job.statusReason,
    job.attempts.at(-1)?.statusReason,
    ...containers.map((container) => container.reason),
  ].filter((reason) => reason !== undefined)
  return (
    outOfMemory(job, containers) ??
    // The end of stage-out proves that the task had ended by itself, whatever happened to the job afterwards.
    (hasStagedOut(containers) ? failedTask(containers) : undefined) ??
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
  // Checked before exit codes: containers of a reclaimed machine have two minutes to exit, with any code.
  const host = reasonLike(HOST_LOST)
  return host === undefined
    ? undefined
    : { kind: 'host-lost', message: `the machine of the task was lost: ${host}` }
}

/** Explains a failed pull. A full disk is not the fault of the image. */
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
  if (failedOf(containers, CONTAINERS.stageIn)?.exitCode) {
    return { kind: 'input-staging-failed', message: 'the inputs could not be copied to the task' }
  }
  const task = failedTask(containers)
  if (task !== undefined) return task
  const isTaskAtFault = failedOf(containers, CONTAINERS.task) !== undefined
  if (!isTaskAtFault && failedOf(containers, CONTAINERS.stageOut)?.exitCode) {
    return { kind: 'output-staging-failed', message: 'the outputs of the task could not be uploaded' }
  }
  return undefined
}

function failedTask(containers: readonly JobContainerDetail[]): Failure | undefined {
  const task = failedOf(containers, CONTAINERS.task)
  const start = explainStartFailure(task?.reason ?? '')
  if (start !== undefined) {
    // The exit code is omitted: with such a reason it is the container engine's.
    return { kind: 'task-failed', message: `the task could not be started: ${start}` }
  }
  // An exit code that comes with a reason of the ECS agent is the agent's.
  if (task?.exitCode && !ENGINE_ERROR.test(task.reason ?? '')) {
    const { exitCode } = task
    return { kind: 'task-failed', message: `the task ended with exit code ${exitCode}`, exitCode }
  }
  const stageOut = failedOf(containers, CONTAINERS.stageOut)
  if (task === undefined && stageOut?.exitCode === TASK_FAILED_EXIT_CODE) {
    return { kind: 'task-failed', message: 'the task ended with an exit code that AWS Batch did not report' }
  }
  return undefined
}

function failedOf(containers: readonly JobContainerDetail[], name: string): JobContainerDetail | undefined {
  return containers.find((container) => container.name === name && hasFailed(container))
}

/** Whether stage-out exited by itself. The exit code of a signal does not prove that it had started. */
function hasStagedOut(containers: readonly JobContainerDetail[]): boolean {
  const exitCode = containers.find(({ name }) => name === CONTAINERS.stageOut)?.exitCode
  return exitCode === 0 || exitCode === TASK_FAILED_EXIT_CODE
}
