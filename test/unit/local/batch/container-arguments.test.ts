import { describe, expect, it } from 'vitest'
import {
  type ContainerTask,
  environmentOf,
  processArguments,
  runArguments,
} from '../../../../local/batch/container-arguments.ts'
import { insecureRegistry } from '../../../../local/batch/images.ts'
import type { Container } from '../../../../local/batch/requests.ts'
import type { EngineProgram } from '../../../../local/container-engine.ts'
import { aContainer } from './builders.ts'

const podman: EngineProgram = {
  kind: 'podman',
  program: 'podman',
  globalArguments: ['--runtime=runc'],
  runArguments: ['--ulimit=nofile=1024:1024'],
  enforcesLimits: true,
}

function aTask(given: Partial<Container> = {}): ContainerTask {
  return {
    container: aContainer({
      name: 'task',
      image: 'host/image@sha256:0',
      mountPoints: [
        { sourceVolume: 'inputs', containerPath: '/in', readOnly: true },
        { sourceVolume: 'outputs', containerPath: '/out', readOnly: false },
      ],
      resourceRequirements: [
        { type: 'VCPU', value: '3.5' },
        { type: 'MEMORY', value: '2048' },
      ],
      ...given,
    }),
    jobId: 'job-1',
    attempt: 2,
    instance: 'test',
    root: '/host',
    directories: { inputs: '/host/0', outputs: '/host/1' },
  }
}

const stager = {
  command: ['stage-out', '/out', '/outside'],
  environment: [{ name: 'SECRET', value: 'hidden' }],
}

describe('arguments of the container engine', () => {
  it('give the task’s container no network, no variable and no command', () => {
    const words = runArguments(podman, aTask(), 8)

    expect(words).toContain('--network=none')
    expect(words.filter((word) => word.startsWith('--env'))).toEqual([])
    expect(words.at(-1)).toBe('host/image@sha256:0')
  })

  it('do not override entrypoint, user and working directory of the image', () => {
    const words = runArguments(podman, aTask(), 8).join(' ')

    expect(words).not.toMatch(/--(?:entrypoint|user|workdir)/u)
  })

  it('contain the names of variables without their values', () => {
    const words = runArguments(podman, aTask(stager), 8)

    expect(words).toContain('--env=SECRET')
    expect(words.join(' ')).not.toContain('hidden')
    expect(words).toContain('--network=host')
  })

  it('prevent programs from gaining rights by set-uid bits and file capabilities', () => {
    expect(runArguments(podman, aTask(), 2)).toContain('--security-opt=no-new-privileges')
  })

  it('limit processes, memory without swap, and CPUs to those of the machine', () => {
    const words = runArguments(podman, aTask(), 2)

    expect(words).toEqual(
      expect.arrayContaining(['--pids-limit=4096', '--cpus=2', '--memory=2048m', '--memory-swap=2048m']),
    )
  })

  it('set no limits when the engine does not support them', () => {
    const words = runArguments({ ...podman, enforcesLimits: false }, aTask(), 2)

    expect(words.join(' ')).not.toMatch(/--(?:cpus|memory|pids)/u)
  })

  it('mount the volumes', () => {
    const words = runArguments(podman, aTask(), 2)

    expect(words).toEqual(
      expect.arrayContaining([
        '--volume=/host/0:/in:ro,z,nosuid,nodev',
        '--volume=/host/1:/out:z,nosuid,nodev',
      ]),
    )
  })

  it('contain labels by which containers are found', () => {
    const words = runArguments(podman, aTask(), 2)

    expect(words).toEqual(
      expect.arrayContaining(['--label=app-engine.instance=test', '--label=app-engine.job=job-1']),
    )
  })

  it('exclude the machine’s proxies if the engine has the option, as podman does', () => {
    const docker: EngineProgram = { ...podman, kind: 'docker', program: 'docker' }

    expect(runArguments(podman, aTask(), 2)).toContain('--http-proxy=false')
    expect(runArguments(docker, aTask(), 2)).not.toContain('--http-proxy=false')
  })
})

describe('the processes of plain jobs', () => {
  it('get host folders in place of the paths of volumes', () => {
    const words = processArguments(aTask(stager))

    expect(words).toEqual(['stage-out', '/host/1', '/outside'])
  })

  it('may run another command in place of the container', () => {
    expect(processArguments(aTask(), ['sh', 'task.sh', '/in', '/out'])).toEqual([
      'sh',
      'task.sh',
      '/host/0',
      '/host/1',
    ])
  })

  it('get the variables that Batch and ECS add', () => {
    const environment = environmentOf({ ...aTask(stager), metadataUri: 'http://127.0.0.1:1/v4/id' })

    expect(environment).toEqual({
      SECRET: 'hidden',
      AWS_BATCH_JOB_ID: 'job-1',
      AWS_BATCH_JOB_ATTEMPT: '2',
      ECS_CONTAINER_METADATA_URI_V4: 'http://127.0.0.1:1/v4/id',
    })
  })

  it('get no variables when they are a task’s, not even the metadata endpoint', () => {
    expect(environmentOf({ ...aTask(), metadataUri: 'http://127.0.0.1:1/v4/id' })).toEqual({})
  })
})

describe('pulling', () => {
  it.each([
    ['127.0.0.1:4566/a/b@sha256:0', ['--tls-verify=false']],
    ['localhost:5000/a', ['--tls-verify=false']],
    ['example.org/127.0.0.1/a', []],
    ['000000000000.dkr.ecr.us-east-1.amazonaws.com/a', []],
  ])('of %s by podman has the options %j', (reference, expected) => {
    const options = insecureRegistry(podman, reference)

    expect(options).toEqual(expected)
  })
})
