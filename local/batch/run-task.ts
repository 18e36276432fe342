import { randomUUID } from 'node:crypto'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import type { ContainerEngine, RunEnd, RunOptions } from '../engine/container-run.ts'
import { runContainers, type StartContainer } from './attempt.ts'
import { isTaskContainer } from './container-arguments.ts'
import type { ContainerEnd, Job } from './job.ts'
import { type LogStream, openLogStream } from './log-stream.ts'
import type { Container } from './requests.ts'
import { CANNOT_START, runAsProcess } from './run-container.ts'
import { runStagerHere } from './run-stager.ts'
import type { TaskMetadata } from './task-metadata.ts'

/** Result of an attempt's containers. */
export interface TaskEnd {
  readonly taskArn: string
  readonly containers: readonly ContainerEnd[]
}

/** Runs one job attempt as one ECS task. The failure of a container is in the result, and does not reject the promise. */
export type RunTask = (attempt: {
  readonly job: Job
  readonly attempt: number
  /** Host directory for the volumes of tasks. */
  readonly root: string
  readonly signal: AbortSignal
  /** Called for every container that starts, with the names of all log streams. */
  readonly onStarted: (logStreamNames: Readonly<Record<string, string>>) => void
}) => Promise<TaskEnd>

export interface RunTaskDependencies {
  readonly engine: ContainerEngine
  readonly logs: CloudWatchLogsClient
  readonly metadata: TaskMetadata
  /** Images whose containers run as plain processes, with the command that replaces the image. */
  readonly processImages: Readonly<Record<string, readonly string[]>>
  /** Command that replaces the container of every task. */
  readonly taskProcess?: readonly string[] | undefined
  /** Whether stagers run inside this process. */
  readonly stagesHere?: boolean
  /** Names of registries on this machine, by their names in image references. */
  readonly registryHosts?: Readonly<Record<string, string>>
  readonly instance: string
  readonly log: (text: string) => void
}

/** Host directory of the volumes of one attempt. */
export function volumeRoot(workDirectory: string, jobId: string, attempt: number): string {
  return join(workDirectory, `${jobId}-${attempt}`)
}

/** Settings for all tasks of this server. */
export function createRunTask(dependencies: RunTaskDependencies): RunTask {
  const { engine, instance, log } = dependencies
  return async ({ job: submitted, attempt, root, signal, onStarted }) => {
    const job = withRegistriesOfHere(submitted, dependencies.registryHosts ?? {})
    const taskId = randomUUID().replaceAll('-', '')
    const taskArn = job.jobArn.replace(':batch:', ':ecs:').replace(/:job\/.*$/u, `:task/local/${taskId}`)
    const unusable = await findUnusable(dependencies, job.containers)
    if (unusable.length > 0) return { taskArn, containers: unusable }
    const directories = await makeVolumes(root, job.volumes)
    const closings: Promise<void>[] = []
    const logStreamNames = Object.fromEntries(
      job.containers.flatMap((container) => {
        const name = logStreamName(container, taskId)
        return name === undefined ? [] : [[container.name, name]]
      }),
    )
    const description = dependencies.metadata.open(taskArn)
    const start: StartContainer = async (container, stop, started) => {
      const { uri: metadataUri } = description
      const task = { container, jobId: job.jobId, attempt, instance, root, directories, metadataUri }
      const isProcess = processOf(dependencies, container) !== undefined
      const way = isProcess ? 'as a plain process of this machine' : `in ${engine.kind}`
      log(`job ${job.jobId}: ${container.name} (${container.image}) runs ${way}`)
      const onContainerStarted = (): void => {
        started()
        description.started(container.name)
        onStarted(logStreamNames)
      }
      const logs = openContainerLog(dependencies, container, taskId)
      const end = await runOne(dependencies, { task, logs, signal: stop, onStarted: onContainerStarted })
      if (logs !== undefined) closings.push(logs.close())
      description.ended(end)
      return end
    }
    const containers = await runContainers(job.containers, start, signal).finally(() => description.close())
    // Logs are complete before the job ends, since a client may then read them at once. The next container does not wait.
    await Promise.all(closings)
    return { taskArn, containers }
  }
}

/** The job with image references that this machine can pull. */
function withRegistriesOfHere(job: Job, hosts: Readonly<Record<string, string>>): Job {
  const containers = job.containers.map((container) => {
    const [host = '', ...path] = container.image.split('/')
    const here = Object.hasOwn(hosts, host) ? hosts[host] : undefined
    return here === undefined ? container : { ...container, image: [here, ...path].join('/') }
  })
  return { ...job, containers }
}

/** The command that replaces a container, if any. */
function processOf(
  { processImages, taskProcess }: RunTaskDependencies,
  container: Container,
): readonly string[] | undefined {
  return processImages[container.image] ?? (isTaskContainer(container) ? taskProcess : undefined)
}

/** @returns undefined when all images are available, otherwise a result for every container */
async function findUnusable(
  dependencies: RunTaskDependencies,
  containers: readonly Container[],
): Promise<ContainerEnd[]> {
  const ends = await Promise.all(
    containers.map(async (container): Promise<ContainerEnd> => {
      const { name, image } = container
      if (processOf(dependencies, container) !== undefined) return { name }
      return dependencies.engine.images.ensure(image).then(
        () => ({ name }),
        (error: Error) => ({ name, reason: error.message.slice(0, 255) }),
      )
    }),
  )
  return ends.some(({ reason }) => reason !== undefined) ? ends : []
}

/** Creates directories that any user can write to, because the containers of one task may run as different users. */
async function makeVolumes(root: string, volumes: readonly string[]): Promise<Record<string, string>> {
  const directories: Record<string, string> = {}
  // Other users of this machine get no access: files may belong to root and be set-uid.
  await mkdir(root, { recursive: true, mode: 0o700 })
  for (const [index, volume] of volumes.entries()) {
    // Does not contain the volume's name, which is free text.
    const directory = join(root, String(index))
    await mkdir(directory, { recursive: true })
    await chmod(directory, 0o777)
    directories[volume] = directory
  }
  return directories
}

async function runOne(dependencies: RunTaskDependencies, options: RunOptions): Promise<ContainerEnd> {
  const { task, logs } = options
  const command = processOf(dependencies, task.container)
  const isStagedHere = dependencies.stagesHere === true && !isTaskContainer(task.container)
  const run = (): Promise<RunEnd> => {
    if (isStagedHere) return runStagerHere(options)
    return command === undefined ? dependencies.engine.run(options) : runAsProcess(command, options)
  }
  const end = await run().catch((error: unknown) => ({
    reason: `${CANNOT_START}${String(error)}`.slice(0, 255),
  }))
  return { name: task.container.name, ...end, ...(logs === undefined ? {} : { logStreamName: logs.name }) }
}

function openContainerLog(
  { logs, log }: RunTaskDependencies,
  container: Container,
  taskId: string,
): LogStream | undefined {
  const group = container.logConfiguration?.options['awslogs-group']
  const name = logStreamName(container, taskId)
  return group === undefined || name === undefined ? undefined : openLogStream(logs, group, name, log)
}

/** Name in the form of ECS's awslogs driver; undefined for a container without log. */
function logStreamName({ name, logConfiguration }: Container, taskId: string): string | undefined {
  if (logConfiguration?.options['awslogs-group'] === undefined) return undefined
  return `${logConfiguration.options['awslogs-stream-prefix'] ?? 'job'}/${name}/${taskId}`
}
