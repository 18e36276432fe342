import type { QueueKind } from '../../contract/job-queues.ts'
import { UUID } from '../../contract/uuid.ts'
import type { Task } from '../../task/task.ts'
import type { JobSize } from './job-size.ts'

/*
 * Batch job definition of a task: three containers in one ECS task, two volumes, no job role. See docs/architecture.md, "The job".
 */

export const CONTAINERS = { stageIn: 'stage-in', task: 'task', stageOut: 'stage-out' } as const

/** Mount points of the two volumes in the stager's containers, independent of the descriptor's folders. */
const STAGER_FOLDERS = { inputs: '/stager/inputs', outputs: '/stager/outputs' } as const

interface KeyValue {
  readonly name: string
  readonly value: string
}

export interface JobContainer {
  readonly name: string
  readonly image: string
  readonly essential: boolean
  readonly command?: readonly string[]
  readonly dependsOn?: readonly {
    readonly containerName: string
    readonly condition: 'SUCCESS' | 'COMPLETE'
  }[]
  readonly mountPoints: readonly {
    readonly sourceVolume: string
    readonly containerPath: string
    readonly readOnly: boolean
  }[]
  readonly resourceRequirements: readonly {
    readonly type: 'VCPU' | 'MEMORY' | 'GPU'
    readonly value: string
  }[]
  readonly logConfiguration: {
    readonly logDriver: 'awslogs'
    readonly options: Readonly<Record<string, string>>
  }
}

/** Body of RegisterJobDefinition. */
export interface JobDefinition {
  readonly jobDefinitionName: string
  readonly type: 'container'
  readonly platformCapabilities: readonly ['FARGATE' | 'EC2']
  readonly propagateTags: boolean
  readonly tags: Readonly<Record<string, string>>
  readonly timeout: { readonly attemptDurationSeconds: number }
  readonly retryStrategy: {
    readonly attempts: number
    readonly evaluateOnExit: readonly {
      readonly action: 'RETRY' | 'EXIT'
      readonly onStatusReason?: string
      readonly onReason?: string
    }[]
  }
  readonly ecsProperties: {
    readonly taskProperties: readonly [
      {
        readonly executionRoleArn: string
        readonly containers: readonly JobContainer[]
        readonly volumes: readonly { readonly name: string }[]
      } & Partial<FargateProperties>,
    ]
  }
}

/** Required on Fargate, refused on EC2. */
interface FargateProperties {
  readonly platformVersion: string
  readonly runtimePlatform: {
    readonly operatingSystemFamily: 'LINUX'
    readonly cpuArchitecture: 'X86_64'
  }
  readonly networkConfiguration: { readonly assignPublicIp: 'DISABLED' }
  readonly ephemeralStorage: { readonly sizeInGiB: number }
}

/** Settings of one run: environment variables for the stager's containers, none for the task's. */
export interface JobOverrides {
  readonly taskProperties: readonly [
    {
      readonly containers: readonly { readonly name: string; readonly environment: readonly KeyValue[] }[]
    },
  ]
}

/** Settings of the installation for all jobs. */
export interface JobSettings {
  readonly definitionPrefix: string
  readonly stagerImage: string
  readonly executionRoleArn: string
  readonly logGroupName: string
  readonly region: string
  /** Time limit of one job attempt. */
  readonly attemptTimeoutSeconds: number
  /** Tags of the installation. */
  readonly tags: Readonly<Record<string, string>>
}

/** Job name of one attempt; shorter than Batch's limit of 128 characters. */
export function jobNameOf(runId: string, attempt: number): string {
  return `run-${runId}-${attempt}`
}

const JOB_NAME = new RegExp(`^run-(${UUID})-([1-9][0-9]*)$`, 'u')

/** Inverse of {@link jobNameOf}; undefined for names of other jobs. */
export function parseJobName(
  jobName: string,
): { readonly runId: string; readonly attempt: number } | undefined {
  const match = JOB_NAME.exec(jobName)
  return match?.[1] === undefined ? undefined : { runId: match[1], attempt: Number(match[2]) }
}

/** Kind of machines of a queue. */
export function platformOf(queue: QueueKind): 'FARGATE' | 'EC2' {
  return queue === 'fargate' || queue === 'internet' ? 'FARGATE' : 'EC2'
}

/** Name of a task's job definition; no name is the prefix of another task's. */
export function jobDefinitionName(
  { definitionPrefix }: Pick<JobSettings, 'definitionPrefix'>,
  taskId: string,
): string {
  return `${definitionPrefix}-${taskId}`
}

/**
 * Retries failures of the machine (a lost host, a pull, "Task failed to start", `CgroupError`, time-outs of Docker), not failures of a
 * container. The first match counts; Batch retries when none matches. Batch allows five rules.
 */
const RETRY_RULES = [
  { action: 'RETRY', onStatusReason: 'Host EC2*' },
  { action: 'RETRY', onStatusReason: 'Your Spot Task was interrupted*' },
  // Must come before CannotStart: when a pull fails, the dependent containers report CannotStart.
  { action: 'RETRY', onReason: 'CannotPull*' },
  // The command is not in the image, or a container that this one depends on failed.
  { action: 'EXIT', onReason: 'CannotStart*' },
  { action: 'EXIT', onStatusReason: 'Essential container in task exited*' },
] as const

/** Conditions of stage-out. When stage-in fails, the ECS agent gives the task the exit code 143, which alone would satisfy COMPLETE. */
const AFTER_TASK = [
  { containerName: CONTAINERS.stageIn, condition: 'SUCCESS' },
  { containerName: CONTAINERS.task, condition: 'COMPLETE' },
] as const

/**
 * Job definition of a task.
 * @param imageReference reference of the task's image, by digest
 */
export function describeJob(
  task: Pick<Task, 'id' | 'namespace' | 'version' | 'inputFolder' | 'outputFolder'>,
  imageReference: string,
  size: JobSize,
  settings: JobSettings,
): JobDefinition {
  const platform = platformOf(size.queue)
  const isFargate = platform === 'FARGATE'
  return {
    jobDefinitionName: jobDefinitionName(settings, task.id),
    type: 'container',
    platformCapabilities: [platform],
    propagateTags: true,
    // Batch tag values allow letters, digits, spaces and + - = . _ : / @
    tags: {
      ...settings.tags,
      'app-engine:task': `${task.namespace}:${task.version}`.slice(0, 256),
    },
    timeout: { attemptDurationSeconds: settings.attemptTimeoutSeconds },
    retryStrategy: {
      attempts: 3,
      evaluateOnExit: RETRY_RULES,
    },
    ecsProperties: {
      taskProperties: [
        {
          executionRoleArn: settings.executionRoleArn,
          ...(isFargate ? fargateProperties(size) : {}),
          volumes: [{ name: 'inputs' }, { name: 'outputs' }],
          containers: describeContainers(task, imageReference, size, settings),
        },
      ],
    },
  }
}

function describeContainers(
  { id, inputFolder, outputFolder }: Pick<Task, 'id' | 'inputFolder' | 'outputFolder'>,
  imageReference: string,
  size: JobSize,
  settings: JobSettings,
): readonly JobContainer[] {
  const container = containersOf(id, settings)
  const stagerMounts = mounts(STAGER_FOLDERS.inputs, STAGER_FOLDERS.outputs)
  return [
    container(CONTAINERS.stageIn, size.stager, {
      image: settings.stagerImage,
      essential: false,
      command: ['stage-in', STAGER_FOLDERS.inputs, STAGER_FOLDERS.outputs],
      mountPoints: stagerMounts,
    }),
    // Command, environment, user and working directory are the image's.
    container(
      CONTAINERS.task,
      { ...size.task, gpus: size.gpus },
      {
        image: imageReference,
        essential: false,
        dependsOn: [{ containerName: CONTAINERS.stageIn, condition: 'SUCCESS' }],
        mountPoints: mounts(inputFolder, outputFolder),
      },
    ),
    // Essential, so that its end ends the job. The others cannot be: no container may wait for the end of an essential one.
    container(CONTAINERS.stageOut, size.stager, {
      image: settings.stagerImage,
      essential: true,
      // The task's output folder resolves absolute links that the task wrote, which start with it.
      command: ['stage-out', STAGER_FOLDERS.outputs, outputFolder, CONTAINERS.task],
      dependsOn: AFTER_TASK,
      mountPoints: stagerMounts,
    }),
  ]
}

function mounts(inputs: string, outputs: string): JobContainer['mountPoints'] {
  return [
    { sourceVolume: 'inputs', containerPath: inputs, readOnly: false },
    { sourceVolume: 'outputs', containerPath: outputs, readOnly: false },
  ]
}

/**
 * Log options that keep CloudWatch's limit of 50 CreateLogStream calls a second from failing containers on EC2 queues: Docker's driver
 * fails the start when it is throttled in blocking mode, and creates the stream in the background otherwise (moby/moby#42088). Fargate:
 * docs/scale.md. They are ECS's defaults since June 2025, but an account can set another mode. A container that writes faster than
 * CloudWatch accepts loses lines beyond the buffer.
 */
const NON_BLOCKING_LOG = { mode: 'non-blocking', 'max-buffer-size': '10m' } as const

/** Describes containers of one job, whose logs begin with the task's id. */
function containersOf(taskId: string, { logGroupName, region }: JobSettings) {
  const logConfiguration: JobContainer['logConfiguration'] = {
    logDriver: 'awslogs',
    options: {
      'awslogs-group': logGroupName,
      'awslogs-region': region,
      'awslogs-stream-prefix': taskId,
      ...NON_BLOCKING_LOG,
    },
  }
  return (
    name: string,
    share: { readonly vcpu: number; readonly memoryMib: number; readonly gpus?: number },
    rest: Omit<JobContainer, 'name' | 'resourceRequirements' | 'logConfiguration'>,
  ): JobContainer => ({
    name,
    ...rest,
    resourceRequirements: [
      { type: 'VCPU', value: String(share.vcpu) },
      { type: 'MEMORY', value: String(share.memoryMib) },
      // Batch refuses 0.
      ...(share.gpus ? [{ type: 'GPU' as const, value: String(share.gpus) }] : []),
    ],
    logConfiguration,
  })
}

function fargateProperties(size: JobSize): FargateProperties {
  return {
    platformVersion: '1.4.0',
    runtimePlatform: { operatingSystemFamily: 'LINUX', cpuArchitecture: 'X86_64' },
    networkConfiguration: { assignPublicIp: 'DISABLED' },
    ephemeralStorage: { sizeInGiB: size.diskGib },
  }
}

/** Sets the environment of the stager's containers for one run. */
export function describeOverrides(stager: Readonly<Record<string, string>>): JobOverrides {
  const environment = Object.entries(stager).map(([name, value]) => ({ name, value }))
  return {
    taskProperties: [
      { containers: [CONTAINERS.stageIn, CONTAINERS.stageOut].map((name) => ({ name, environment })) },
    ],
  }
}
