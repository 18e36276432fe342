import type { Job } from '../../../../local/batch/job.ts'
import { type Container, containerSchema } from '../../../../local/batch/requests.ts'
import type { StateStore, StoredDefinition } from '../../../../local/batch/state-store.ts'
import { describeJob, type JobDefinition } from '../../../../src/run/job/job-definition.ts'

/** The definition that the service registers for a task version. */
export function aDefinition(): JobDefinition {
  return describeJob(
    { id: 'task-1', namespace: 'org.example', version: '1.0.0', inputFolder: '/in', outputFolder: '/out' },
    '127.0.0.1:4566/app-engine/task@sha256:0',
    {
      queue: 'fargate',
      task: { vcpu: 0.5, memoryMib: 1024 },
      stager: { vcpu: 0.25, memoryMib: 512 },
      diskGib: 21,
      gpus: 0,
    },
    {
      definitionPrefix: 'app-engine',
      tags: { application: 'app-engine' },
      stagerImage: 'stager',
      executionRoleArn: 'arn:aws:iam::000000000000:role/execution',
      logGroupName: '/jobs',
      region: 'us-east-1',
      attemptTimeoutSeconds: 60,
    },
  )
}

export function aContainer(given: Partial<Container> & { readonly name: string }): Container {
  return containerSchema.parse({ image: 'image', essential: false, ...given })
}

/** The containers stage-in, task and stage-out as in the service. */
export function theContainers(): Container[] {
  return [
    aContainer({ name: 'stage-in' }),
    aContainer({ name: 'task', dependsOn: [{ containerName: 'stage-in', condition: 'SUCCESS' }] }),
    aContainer({
      name: 'stage-out',
      essential: true,
      dependsOn: [
        { containerName: 'stage-in', condition: 'SUCCESS' },
        { containerName: 'task', condition: 'COMPLETE' },
      ],
    }),
  ]
}

export function aJob(given: Partial<Job> = {}): Job {
  return {
    jobId: 'job-1',
    jobArn: 'arn:aws:batch:us-east-1:000000000000:job/job-1',
    jobName: 'run-1',
    jobQueue: 'arn:aws:batch:us-east-1:000000000000:job-queue/q',
    jobDefinition: 'arn:aws:batch:us-east-1:000000000000:job-definition/d:1',
    status: 'SUBMITTED',
    createdAt: 0,
    attempts: [],
    retryStrategy: { attempts: 3, evaluateOnExit: [{ action: 'EXIT', onReason: '*' }] },
    tags: {},
    propagateTags: false,
    containers: theContainers(),
    volumes: [],
    outbox: [],
    ...given,
  }
}

/** A state store in memory. */
export function createMemoryStore(jobs: readonly Job[] = []): StateStore {
  const kept = new Map(jobs.map((job) => [job.jobId, job]))
  const definitions = new Map<string, StoredDefinition>()
  return {
    definitions: () => [...definitions.values()],
    putDefinition: (definition) => void definitions.set(definition.jobDefinitionArn, definition),
    jobs: () => [...kept.values()],
    findJob: (jobId) => kept.get(jobId),
    putJob: (job) => void kept.set(job.jobId, job),
  }
}
