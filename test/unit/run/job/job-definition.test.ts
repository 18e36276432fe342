import { describe, expect, it } from 'vitest'
import {
  describeJob,
  describeOverrides,
  jobNameOf,
  parseJobName,
} from '../../../../src/run/job/job-definition.ts'
import { aTask, RUN_ID } from '../../../fixtures/builders.ts'

const SETTINGS = {
  definitionPrefix: 'app-engine-test',
  tags: { application: 'app-engine-test', 'cost-center': '42' },
  stagerImage: 'stager:1',
  executionRoleArn: 'arn:aws:iam::000000000000:role/execution',
  logGroupName: '/app-engine/test/jobs',
  region: 'eu-west-1',
  attemptTimeoutSeconds: 86_400,
}

const definition = describeJob(
  aTask({ inputFolder: '/data/in', outputFolder: '/data/out' }),
  'registry.example.org/addition@sha256:0',
  {
    queue: 'fargate',
    task: { vcpu: 1.5, memoryMib: 4096 },
    stager: { vcpu: 0.25, memoryMib: 512 },
    diskGib: 21,
    gpus: 0,
  },
  SETTINGS,
)
const [properties] = definition.ecsProperties.taskProperties
const containers = new Map(properties.containers.map((container) => [container.name, container]))

describe('the job definition', () => {
  it('has the tags of the installation and its task, and propagates them to billed resources', () => {
    expect(definition).toMatchObject({
      tags: {
        application: 'app-engine-test',
        'cost-center': '42',
        'app-engine:task': expect.stringContaining(':'),
      },
      propagateTags: true,
    })
  })

  it('runs stage-in, then the task, then stage-out, which is the only essential container', () => {
    expect(
      properties.containers.map(({ name, essential, dependsOn }) => [name, essential, dependsOn]),
    ).toEqual([
      ['stage-in', false, undefined],
      ['task', false, [{ containerName: 'stage-in', condition: 'SUCCESS' }]],
      [
        'stage-out',
        true,
        [
          { containerName: 'stage-in', condition: 'SUCCESS' },
          { containerName: 'task', condition: 'COMPLETE' },
        ],
      ],
    ])
  })

  it('does not override the task’s command and gives it no environment', () => {
    expect(Object.keys(containers.get('task') ?? {}).sort()).toEqual([
      'dependsOn',
      'essential',
      'image',
      'logConfiguration',
      'mountPoints',
      'name',
      'resourceRequirements',
    ])
  })

  it('lets a container start when CloudWatch throttles the creation of its log stream', () => {
    for (const { logConfiguration } of containers.values()) {
      expect(logConfiguration.options).toEqual({
        'awslogs-group': '/app-engine/test/jobs',
        'awslogs-region': 'eu-west-1',
        'awslogs-stream-prefix': expect.any(String),
        mode: 'non-blocking',
        'max-buffer-size': '10m',
      })
    }
  })

  it('mounts the two volumes at the folders of the descriptor', () => {
    expect(
      containers.get('task')?.mountPoints.map((mount) => [mount.sourceVolume, mount.containerPath]),
    ).toEqual([
      ['inputs', '/data/in'],
      ['outputs', '/data/out'],
    ])
  })

  it('has no job role, whose credentials the task could read', () => {
    expect(properties).not.toHaveProperty('taskRoleArn')
  })

  it('has volumes of its own and none of the host', () => {
    expect(properties.volumes).toEqual([{ name: 'inputs' }, { name: 'outputs' }])
    expect(JSON.stringify(definition)).not.toMatch(/host"|sourcePath|privileged|docker\.sock|secrets"/u)
  })

  it('does not retry the failure of a container', () => {
    const rules = definition.retryStrategy.evaluateOnExit

    expect(rules.map(({ action }) => action)).toEqual(['RETRY', 'RETRY', 'RETRY', 'EXIT', 'EXIT'])
    expect(rules.slice(-2)).toEqual([
      { action: 'EXIT', onReason: 'CannotStart*' },
      { action: 'EXIT', onStatusReason: 'Essential container in task exited*' },
    ])
  })

  it('fits into the 24 KiB that Batch allows', () => {
    expect(Buffer.byteLength(JSON.stringify(definition))).toBeLessThan(24 * 1024)
  })
})

describe('the overrides of a run', () => {
  it('set variables for the stager and none for the task', () => {
    const overrides = describeOverrides({ NAME: 'value' })

    expect(overrides.taskProperties[0].containers).toEqual([
      { name: 'stage-in', environment: [{ name: 'NAME', value: 'value' }] },
      { name: 'stage-out', environment: [{ name: 'NAME', value: 'value' }] },
    ])
  })
})

describe('the name of a job', () => {
  it('contains run and attempt', () => {
    expect(parseJobName(jobNameOf(RUN_ID, 12))).toEqual({ runId: RUN_ID, attempt: 12 })
  })

  it.each(['nightly-backup', 'run-1-1', `run-${RUN_ID}-0`])(
    'is not recognised in %s, which is of another application',
    (name) => {
      expect(parseJobName(name)).toBeUndefined()
    },
  )
})

describe('the job definition for machines with GPUs', () => {
  const size = {
    queue: 'gpu',
    task: { vcpu: 4, memoryMib: 8192 },
    stager: { vcpu: 1, memoryMib: 512 },
    diskGib: 60,
    gpus: 2,
  } as const
  const onGpus = describeJob(aTask(), 'registry.example.org/addition@sha256:0', size, SETTINGS)
  const [properties] = onGpus.ecsProperties.taskProperties

  it('is for EC2, without Fargate properties', () => {
    expect(onGpus.platformCapabilities).toEqual(['EC2'])
    expect(Object.keys(properties).sort()).toEqual(['containers', 'executionRoleArn', 'volumes'])
  })

  it('gives the GPUs only to the task', () => {
    const gpusOf = (name: string) =>
      properties.containers
        .find((container) => container.name === name)
        ?.resourceRequirements.find(({ type }) => type === 'GPU')?.value

    expect([gpusOf('stage-in'), gpusOf('task'), gpusOf('stage-out')]).toEqual([undefined, '2', undefined])
  })

  it('has no job role', () => {
    expect(JSON.stringify(onGpus)).not.toContain('taskRoleArn')
  })
})
