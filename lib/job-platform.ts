import type { JobQueues } from '../src/contract/job-queues.ts'

/** Facts about the jobs' platform that functions need. */
export interface JobPlatform {
  readonly queues: JobQueues
  readonly executionRoleArn: string
  /** Image reference of the stager. */
  readonly stagerImage: string
  /** VPC endpoint through which stagers call the API; the emulator needs none. */
  readonly apiEndpointId?: string
}

/** Platform of the local stage. The server at AWS_ENDPOINT_URL_BATCH runs its jobs, and has this one queue. */
export const EMULATED_JOB_PLATFORM: JobPlatform = {
  queues: { fargate: { arn: 'arn:aws:batch:us-east-1:000000000000:job-queue/app-engine-local' } },
  executionRoleArn: 'arn:aws:iam::000000000000:role/app-engine-local-execution',
  stagerImage: 'app-engine/stager:local',
}
