import type { Task } from '../../task/task.ts'
import type { JobSize } from './job-size.ts'

/*
 * The job of a task version, in the shape of Batch's RegisterJobDefinition and SubmitJob: three containers in one ECS task,
 * two volumes, no job role. See docs/architecture.md, "The job".
 */

export const CONTAINERS = { stageIn: 'stage-in', task: 'task', stageOut: 'stage-out' } as const

/** Where the stager's containers see the two volumes, whatever folders the descriptor names. */
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
  readonly dependsOn?: readonly { readonly containerName: string; readonly condition: 'SUCCESS' }[]
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

/** What only Fargate asks for, and EC2 refuses. */
interface FargateProperties {
  readonly platformVersion: string
  readonly runtimePlatform: {
    readonly operatingSystemFamily: 'LINUX'
    readonly cpuArchitecture: 'X86_64'
  }
  readonly networkConfiguration: { readonly assignPublicIp: 'DISABLED' }
  readonly ephemeralStorage: { readonly sizeInGiB: number }
}

/** Per-run settings: an environment for the stager's containers, none for the task's. */
export interface JobOverrides {
  readonly taskProperties: readonly [
    {
      readonly containers: readonly { readonly name: string; readonly environment: readonly KeyValue[] }[]
    },
  ]
}

/** What a stage says about every job. */
export interface JobSettings {
  readonly definitionPrefix: string
  readonly stagerImage: string
  readonly executionRoleArn: string
  readonly logGroupName: string
  readonly region: string
  /** Longest time one attempt may take. */
  readonly attemptTimeoutSeconds: number
  /** Those that everything of the installation has. */
  readonly tags: Readonly<Record<string, string>>
}

/** Name of the job of one submission; `run-` + UUID + attempt, within Batch's 128 characters. */
export function jobNameOf(runId: string, attempt: number): string {
  return `run-${runId}-${attempt}`
}

/** Run and attempt out of a job's name; undefined for a job that is not ours. */
export function parseJobName(
  jobName: string,
): { readonly runId: string; readonly attempt: number } | undefined {
  const match = /^run-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-([1-9][0-9]*)$/u.exec(jobName)
  return match?.[1] === undefined ? undefined : { runId: match[1], attempt: Number(match[2]) }
}

/** Name of all revisions of a task's job definition; no other task's begins with it. */
export function jobDefinitionName(
  { definitionPrefix }: Pick<JobSettings, 'definitionPrefix'>,
  taskId: string,
): string {
  return `${definitionPrefix}-${taskId}`
}

/**
 * What is tried again: everything that the machine did (a lost host, a pull, "Task failed to start", `CgroupError`, time-outs of
 * Docker), and nothing that a container did. The first match counts; what none matches is retried. Batch takes five rules.
 */
const RETRY_RULES = [
  { action: 'RETRY', onStatusReason: 'Host EC2*' },
  { action: 'RETRY', onStatusReason: 'Your Spot Task was interrupted*' },
  // Before the next: with an image that cannot be pulled, the containers behind it cannot start.
  { action: 'RETRY', onReason: 'CannotPull*' },
  // A command that is not in the image; or a container behind one that failed, such as stage-out behind the task.
  { action: 'EXIT', onReason: 'CannotStart*' },
  { action: 'EXIT', onStatusReason: 'Essential container in task exited*' },
] as const

/** The job definition of a task version. `imageReference` is what the container engine pulls, by digest. */
export function describeJob(
  task: Pick<Task, 'id' | 'namespace' | 'version' | 'inputFolder' | 'outputFolder'>,
  imageReference: string,
  size: JobSize,
  settings: JobSettings,
): JobDefinition {
  const container = (
    name: string,
    image: string,
    share: { readonly vcpu: number; readonly memoryMib: number; readonly gpus?: number },
    rest: Pick<JobContainer, 'essential' | 'command' | 'dependsOn' | 'mountPoints'>,
  ): JobContainer => ({
    name,
    image,
    ...rest,
    resourceRequirements: [
      { type: 'VCPU', value: String(share.vcpu) },
      { type: 'MEMORY', value: String(share.memoryMib) },
      // Zero is none to Batch.
      ...(share.gpus ? [{ type: 'GPU' as const, value: String(share.gpus) }] : []),
    ],
    logConfiguration: {
      logDriver: 'awslogs',
      options: {
        'awslogs-group': settings.logGroupName,
        'awslogs-region': settings.region,
        'awslogs-stream-prefix': task.id,
      },
    },
  })
  const mounts = (inputs: string, outputs: string): JobContainer['mountPoints'] => [
    { sourceVolume: 'inputs', containerPath: inputs, readOnly: false },
    { sourceVolume: 'outputs', containerPath: outputs, readOnly: false },
  ]
  const isFargate = size.queue === 'fargate' || size.queue === 'internet'
  const stagerMounts = mounts(STAGER_FOLDERS.inputs, STAGER_FOLDERS.outputs)
  return {
    jobDefinitionName: jobDefinitionName(settings, task.id),
    type: 'container',
    platformCapabilities: [isFargate ? 'FARGATE' : 'EC2'],
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
          containers: [
            container(CONTAINERS.stageIn, settings.stagerImage, size.stager, {
              essential: false,
              command: ['stage-in', STAGER_FOLDERS.inputs, STAGER_FOLDERS.outputs],
              mountPoints: stagerMounts,
            }),
            // No command, no environment: entrypoint, user and working directory of the image stay as they are.
            container(
              CONTAINERS.task,
              imageReference,
              { ...size.task, gpus: size.gpus },
              {
                essential: false,
                dependsOn: [{ containerName: CONTAINERS.stageIn, condition: 'SUCCESS' }],
                mountPoints: mounts(task.inputFolder, task.outputFolder),
              },
            ),
            // The only essential one: SUCCESS cannot point at an essential container, and its end ends the job.
            container(CONTAINERS.stageOut, settings.stagerImage, size.stager, {
              essential: true,
              // The task's absolute links begin with the folder by its own name.
              command: ['stage-out', STAGER_FOLDERS.outputs, task.outputFolder],
              dependsOn: [{ containerName: CONTAINERS.task, condition: 'SUCCESS' }],
              mountPoints: stagerMounts,
            }),
          ],
        },
      ],
    },
  }
}

function fargateProperties(size: JobSize): FargateProperties {
  return {
    platformVersion: '1.4.0',
    runtimePlatform: { operatingSystemFamily: 'LINUX', cpuArchitecture: 'X86_64' },
    networkConfiguration: { assignPublicIp: 'DISABLED' },
    ephemeralStorage: { sizeInGiB: size.diskGib },
  }
}

/** What one run adds at submission: where the stager asks for its URLs, and with which secret. */
export function describeOverrides(stager: Readonly<Record<string, string>>): JobOverrides {
  const environment = Object.entries(stager).map(([name, value]) => ({ name, value }))
  return {
    taskProperties: [
      { containers: [CONTAINERS.stageIn, CONTAINERS.stageOut].map((name) => ({ name, environment })) },
    ],
  }
}
