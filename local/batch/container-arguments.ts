import { METADATA_VARIABLE } from '../../src/contract/staging.ts'
import { type EngineProgram, LABELS } from '../container-engine.ts'
import { amountOf } from './definition-rules.ts'
import type { Container } from './requests.ts'

/** One container of one attempt, ready to run. */
export interface ContainerTask {
  readonly container: Container
  readonly jobId: string
  /** Number of the attempt, from 1. */
  readonly attempt: number
  readonly instance: string
  /**
   * Host directory of the attempt, and working directory of the engine: Podman writes a file `oom` there when
   * a container runs out of memory.
   */
  readonly root: string
  /** Host directory of each volume. */
  readonly directories: Readonly<Record<string, string>>
  /** Metadata endpoint of the task, for the containers of the stager. */
  readonly metadataUri?: string
}

/** Name by which the container is found again. */
export function containerName({ container, jobId, attempt, instance }: ContainerTask): string {
  return `app-engine-${instance}-${jobId}-${attempt}-${container.name}`
}

/** Whether this is the task's container: the only one without variables. */
export function isTaskContainer({ environment }: Container): boolean {
  return environment.length === 0
}

/** Variables of a container: its own and those that Batch and ECS add. The task's container gets none. */
export function environmentOf(task: ContainerTask): Record<string, string> {
  const { container, jobId, attempt, metadataUri } = task
  if (isTaskContainer(container)) return {}
  const own = container.environment.map(({ name, value }): [string, string] => [name, value])
  return {
    ...Object.fromEntries(own),
    AWS_BATCH_JOB_ID: jobId,
    AWS_BATCH_JOB_ATTEMPT: String(attempt),
    ...(metadataUri === undefined ? {} : { [METADATA_VARIABLE]: metadataUri }),
  }
}

/**
 * Arguments with which the engine runs the container. The task's container gets no network; others reach this machine's
 * loopback. Values of variables are passed in the engine's environment, because every user of the machine can see
 * arguments.
 */
export function runArguments(engine: EngineProgram, task: ContainerTask, machineCpus: number): string[] {
  const { container, jobId, instance } = task
  const variables = Object.keys(environmentOf(task))
  return [
    ...engine.globalArguments,
    'run',
    ...engine.runArguments,
    `--name=${containerName(task)}`,
    `--label=${LABELS.instance}=${instance}`,
    `--label=${LABELS.job}=${jobId}`,
    '--pull=never',
    // The output is read from the pipe; a second copy on disk would have no bound.
    '--log-driver=none',
    `--network=${variables.length === 0 ? 'none' : 'host'}`,
    // By default, podman passes the machine's proxy variables to every container.
    ...(engine.kind === 'podman' ? ['--http-proxy=false'] : []),
    ...(engine.enforcesLimits ? limitArguments(container, machineCpus) : []),
    // Set-uid programs gain no privileges, as on Fargate.
    '--security-opt=no-new-privileges',
    ...container.mountPoints.map(
      ({ sourceVolume, containerPath, readOnly }) =>
        `--volume=${task.directories[sourceVolume]}:${containerPath}:${volumeOptions(engine, readOnly)}`,
    ),
    ...variables.map((name) => `--env=${name}`),
    container.image,
    ...container.command,
  ]
}

/**
 * "z" lets SELinux hosts share the directory, and has no effect elsewhere. Set-uid files of a task give no privileges, because
 * the job's folder is closed to other users; docker's command line has no options such as `nosuid`.
 */
function volumeOptions({ kind }: EngineProgram, isReadOnly: boolean): string {
  const words = [...(isReadOnly ? ['ro'] : []), 'z', ...(kind === 'podman' ? ['nosuid', 'nodev'] : [])]
  return words.join(',')
}

/** Maximum number of processes, far more than any task needs. Without it, a task that forks endlessly would exhaust the machine. */
export const MAX_PROCESSES = 4096

/** Fargate has no swap, so both limits are equal. The engine refuses more CPUs than the machine has. */
function limitArguments(container: Container, machineCpus: number): string[] {
  const vcpu = amountOf(container, 'VCPU') ?? machineCpus
  const memoryMib = amountOf(container, 'MEMORY')
  return [
    `--cpus=${Math.min(vcpu, machineCpus)}`,
    `--pids-limit=${MAX_PROCESSES}`,
    ...(memoryMib === undefined ? [] : [`--memory=${memoryMib}m`, `--memory-swap=${memoryMib}m`]),
  ]
}

/** Arguments of a container that runs as a plain process: paths of volumes become host directories. */
export function processArguments(
  { container, directories }: ContainerTask,
  words: readonly string[] = container.command,
): string[] {
  return words.map((word) => {
    const mount = container.mountPoints.find(({ containerPath }) => containerPath === word)
    return (mount === undefined ? undefined : directories[mount.sourceVolume]) ?? word
  })
}
