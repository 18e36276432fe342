import { describe, expect, it } from 'vitest'
import { checkDefinition, checkSubmission } from '../../../../local/batch/definition-rules.ts'
import {
  type Container,
  type RegisterJobDefinition,
  registerJobDefinitionSchema,
  submitJobSchema,
} from '../../../../local/batch/requests.ts'
import { aDefinition, theContainers } from './builders.ts'

const resources = (vcpu: string, memory: string): Container['resourceRequirements'] => [
  { type: 'VCPU', value: vcpu },
  { type: 'MEMORY', value: memory },
]

/** The service's definition with these changes to its containers. */
function withContainers(change: (containers: Container[]) => Container[]): RegisterJobDefinition {
  const definition = registerJobDefinitionSchema.parse(aDefinition())
  const [task] = definition.ecsProperties.taskProperties
  return {
    ...definition,
    ecsProperties: { taskProperties: [{ ...task, containers: change(task.containers) }] },
  }
}

const mapped = (change: (container: Container) => Partial<Container>): RegisterJobDefinition =>
  withContainers((containers) => containers.map((container) => ({ ...container, ...change(container) })))

function withLog(options: Readonly<Record<string, string>>): () => Partial<Container> {
  return () => ({ logConfiguration: { logDriver: 'awslogs', options: { ...options } } })
}

describe('job definitions', () => {
  it('of the service are accepted', () => {
    const definition = withContainers((containers) => containers)

    expect(() => checkDefinition(definition)).not.toThrow()
  })

  it.each([
    ['without essential container', mapped(() => ({ essential: false })), /at least one container/u],
    ['with SUCCESS of an essential one', mapped(() => ({ essential: true })), /which is essential/u],
    ['without memory', mapped(() => ({ resourceRequirements: [] })), /must state VCPU and MEMORY/u],
    [
      'without a matching Fargate size',
      mapped(() => ({ resourceRequirements: resources('0.25', '512') })),
      /no size with 0.75 vCPU and 1536 MiB/u,
    ],
    ['with an unknown volume', withVolume('elsewhere'), /unknown volume elsewhere/u],
    [
      'with an unknown dependency',
      mapped(() => ({ dependsOn: [{ containerName: 'ghost', condition: 'START' }] })),
      /unknown container ghost/u,
    ],
    [
      'that wait for themselves',
      mapped(({ name }) => ({ dependsOn: [{ containerName: name, condition: 'START' }] })),
      /wait for each other/u,
    ],
    ['with an unknown log mode', mapped(withLog({ mode: 'lossless' })), /log mode lossless/u],
    [
      'with a log buffer that no mode uses',
      mapped(withLog({ 'max-buffer-size': '10m' })),
      /max-buffer-size, which needs the log mode non-blocking/u,
    ],
    [
      'with a repeated name',
      mapped(() => ({ name: 'same', dependsOn: [] })),
      /two containers are called same/u,
    ],
    [
      'with eleven containers',
      withContainers(([first]) =>
        Array.from({ length: 11 }, (_, index) => ({ ...(first as Container), name: `c${index}` })),
      ),
      /at most 10 containers/u,
    ],
    ['larger than 24 KiB', mapped(() => ({ command: ['x'.repeat(24 * 1024)] })), /more than 24576/u],
  ])('%s are refused', (_, definition, message) => {
    expect(() => checkDefinition(definition)).toThrow(message)
  })
})

function withVolume(sourceVolume: string): RegisterJobDefinition {
  return mapped(() => ({ mountPoints: [{ sourceVolume, containerPath: '/x', readOnly: false }] }))
}

describe('submissions', () => {
  const submission = { jobName: 'run-1', jobQueue: 'q', jobDefinition: 'd' }
  const override = (container: object) => ({ taskProperties: [{ containers: [container] }] })

  it.each([
    ['container overrides', { containerOverrides: {} }, /should not be set for ecsProperties jobs/u],
    [
      'an unknown container',
      { ecsPropertiesOverride: override({ name: 'ghost' }) },
      /unknown container ghost/u,
    ],
    [
      'a reserved variable',
      {
        ecsPropertiesOverride: override({
          name: 'task',
          environment: [{ name: 'AWS_BATCH_JOB_ID', value: 'x' }],
        }),
      },
      /is reserved/u,
    ],
    ['more than 30 KiB', { tags: { a: 'x' }, padding: 'x'.repeat(30 * 1024) }, /more than 30720/u],
  ])('with %s are refused', (_, extra, message) => {
    const body = submitJobSchema.parse({ ...submission, ...extra })

    expect(() => checkSubmission(body, theContainers())).toThrow(message)
  })

  it.each(['', '-a', 'a b', 'x'.repeat(129)])('with the name "%s" are refused', (jobName) => {
    const parsed = submitJobSchema.safeParse({ ...submission, jobName })

    expect(parsed.success).toBe(false)
  })
})
