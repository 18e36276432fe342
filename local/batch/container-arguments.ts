import { type EngineProgram, LABELS } from '../container-engine.ts'
import { amountOf } from './definition-rules.ts'
import type { Container } from './requests.ts'

/** One container of one attempt, ready to run. */
export interface ContainerTask {
  readonly container: Container
  readonly jobId: string
  /** From 1. */
  readonly attempt: number
  readonly instance: string
  /**
   * Host directory of the attempt, and working directory of the engine: Podman writes a file `oom` there when
   * a container runs out of memory.
   */
  readonly root: string
  /** Host directory of each volume. */
  readonly directories: Readonly<Record<string, string>>
}

/** Name of the container, by which it is found again. */
export function containerName({ container, jobId, attempt, instance }: ContainerTask): string {
  return `app-engine-${instance}-${jobId}-${attempt}-${container.name}`
}

/** The task's container is the one without variables. */
export function isTaskContainer({ environment }: Container): boolean {
  return environment.length === 0
}

/** Variables of a container: its own ones and those that Batch adds. The task's container gets none at all. */
export function environmentOf({ container, jobId, attempt }: ContainerTask): Record<string, string> {
  if (isTaskContainer(container)) return {}
  const own = container.environment.map(({ name, value }): [string, string] => [name, value])
  return { ...Object.fromEntries(own), AWS_BATCH_JOB_ID: jobId, AWS_BATCH_JOB_ATTEMPT: String(attempt) }
}

/**
 * Arguments of the engine that run the container. The task's container gets no network; the stager's must reach services that listen on this machine's loopback. Values of variables are taken from the engine's own
 * environment, since arguments are shown to everybody on the machine.
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
    // As on Fargate: set-uid programs grant no rights.
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
 * "z" lets SELinux hosts share the directory; elsewhere it does nothing. What a task leaves on the host gives no rights there;
 * docker's command line has no such options, and the job's folder is closed to others.
 */
function volumeOptions({ kind }: EngineProgram, isReadOnly: boolean): string {
  const words = [...(isReadOnly ? ['ro'] : []), 'z', ...(kind === 'podman' ? ['nosuid', 'nodev'] : [])]
  return words.join(',')
}

/** Far more than any program wants; without it a task that forks without end takes the whole machine with it. */
export const MOST_PROCESSES = 4096

/** Fargate has no swap, so memory and memory with swap are the same; more CPUs than there are would be refused. */
function limitArguments(container: Container, machineCpus: number): string[] {
  const vcpu = amountOf(container, 'VCPU') ?? machineCpus
  const memoryMib = amountOf(container, 'MEMORY')
  return [
    `--cpus=${Math.min(vcpu, machineCpus)}`,
    `--pids-limit=${MOST_PROCESSES}`,
    ...(memoryMib === undefined ? [] : [`--memory=${memoryMib}m`, `--memory-swap=${memoryMib}m`]),
  ]
}

/** Words of a container that runs as a plain process, its command's or others: paths of volumes become host directories. */
export function processArguments(
  { container, directories }: ContainerTask,
  words: readonly string[] = container.command,
): string[] {
  return words.map((word) => {
    const mount = container.mountPoints.find(({ containerPath }) => containerPath === word)
    return (mount === undefined ? undefined : directories[mount.sourceVolume]) ?? word
  })
}
