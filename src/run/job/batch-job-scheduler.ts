import {
  type BatchClient,
  BatchServiceException,
  ClientException,
  DeregisterJobDefinitionCommand,
  DescribeJobDefinitionsCommand,
  DescribeJobsCommand,
  type JobSummary,
  ListJobsCommand,
  type ListJobsCommandInput,
  RegisterJobDefinitionCommand,
  SubmitJobCommand,
  TerminateJobCommand,
} from '@aws-sdk/client-batch'
import { pagesOf } from '../../shared/pages.ts'
import { type JobDetail, jobDetailSchema } from './job-outcome.ts'
import { JobRefusedError, type JobScheduler, JobThrottledError } from './job-scheduler.ts'

export interface BatchJobSchedulerOptions {
  readonly client: BatchClient
  /** Queues that listings search. */
  readonly jobQueueArns?: readonly string[]
}

/** Limit of TerminateJob. */
const MAX_REASON_LENGTH = 1024

/** Limit of DescribeJobs. */
const MAX_IDS = 100

/** Statuses in the order of a job's life, so that a job that advances between two listings appears twice, not never. */
const LIVE_STATUSES = ['SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING'] as const

/** AWS Batch, with the queues of one installation. */
export function createBatchJobScheduler({
  client,
  jobQueueArns = [],
}: BatchJobSchedulerOptions): JobScheduler {
  return {
    ...createDefinitions(client),

    async submit({ jobName, jobQueueArn, jobDefinitionArn, share, overrides, tags }) {
      const command = new SubmitJobCommand({
        jobName,
        jobQueue: jobQueueArn,
        jobDefinition: jobDefinitionArn,
        shareIdentifier: share,
        // Jobs of one share run in the order of submission. A queue with shares refuses a job without a priority.
        schedulingPriorityOverride: 1,
        ecsPropertiesOverride: mutable(overrides),
        tags: { ...tags },
      })
      const { jobId } = await asThrottled(client.send(command)).catch((error: unknown) => {
        if (error instanceof ClientException) throw new JobRefusedError(error.message, { cause: error })
        throw error
      })
      if (jobId === undefined) throw new Error('Batch accepted a job without an id')
      return { jobId }
    },

    async terminate(jobId, reason) {
      const cut = reason.slice(0, MAX_REASON_LENGTH).toWellFormed()
      await ignoreEndedJob(client.send(new TerminateJobCommand({ jobId, reason: cut })))
    },

    ...createListings(client, jobQueueArns),
  }
}

function createDefinitions(
  client: BatchClient,
): Pick<JobScheduler, 'registerDefinition' | 'deregisterDefinition' | 'deregisterDefinitions'> {
  async function deregisterDefinition(arn: string): Promise<void> {
    await ignoreEndedJob(client.send(new DeregisterJobDefinitionCommand({ jobDefinition: arn })))
  }

  return {
    async registerDefinition(definition) {
      const { jobDefinitionArn } = await client.send(new RegisterJobDefinitionCommand(mutable(definition)))
      if (jobDefinitionArn === undefined) throw new Error('Batch registered a job definition without an ARN')
      return jobDefinitionArn
    },

    deregisterDefinition,

    async deregisterDefinitions(jobDefinitionName) {
      const query = { jobDefinitionName, status: 'ACTIVE' }
      const pages = pagesOf(
        (nextToken) => client.send(new DescribeJobDefinitionsCommand({ ...query, nextToken })),
        ({ nextToken }) => nextToken,
      )
      const arns: string[] = []
      for await (const { jobDefinitions = [] } of pages) {
        arns.push(...jobDefinitions.flatMap(({ jobDefinitionArn }) => jobDefinitionArn ?? []))
      }
      // Deregistered after the last page: where tokens are offsets, this would move the pages that follow.
      for (const arn of arns) await deregisterDefinition(arn)
    },
  }
}

function createListings(
  client: BatchClient,
  jobQueueArns: readonly string[],
): Pick<JobScheduler, 'describe' | 'findByName' | 'listLive'> {
  async function* list(
    query: Omit<ListJobsCommandInput, 'jobQueue' | 'nextToken'>,
  ): AsyncGenerator<JobSummary> {
    if (jobQueueArns.length === 0) throw new Error('this function has no job queues')
    for (const jobQueue of jobQueueArns) {
      const pages = pagesOf(
        (nextToken) => client.send(new ListJobsCommand({ ...query, jobQueue, nextToken })),
        ({ nextToken }) => nextToken,
      )
      for await (const { jobSummaryList = [] } of pages) yield* jobSummaryList
    }
  }

  async function describe(jobIds: readonly string[]): Promise<JobDetail[]> {
    const found: JobDetail[] = []
    for (let start = 0; start < jobIds.length; start += MAX_IDS) {
      const command = new DescribeJobsCommand({ jobs: jobIds.slice(start, start + MAX_IDS) })
      const { jobs = [] } = await client.send(command)
      found.push(...jobs.map((job) => jobDetailSchema.parse(job)))
    }
    return found
  }

  async function findByName(jobName: string): Promise<JobDetail | undefined> {
    let newest: JobSummary | undefined
    // A filter makes Batch list jobs in all states. Its values are patterns; job names contain no asterisk.
    for await (const job of list({ filters: [{ name: 'JOB_NAME', values: [jobName] }] })) {
      if (newest === undefined || (job.createdAt ?? 0) > (newest.createdAt ?? 0)) newest = job
    }
    if (newest?.jobId === undefined) return undefined
    const [job] = await describe([newest.jobId])
    // Both calls are eventually consistent: a job that one of them returns exists.
    return job ?? jobDetailSchema.parse(newest)
  }

  return {
    describe,

    findByName: (jobName) => asThrottled(findByName(jobName)),

    async *listLive() {
      for (const jobStatus of LIVE_STATUSES) {
        for await (const { jobId = '', jobName = '', createdAt = 0 } of list({ jobStatus })) {
          yield { jobId, jobName, createdAt }
        }
      }
    },
  }
}

/** @throws JobThrottledError in place of Batch's throttling errors */
async function asThrottled<Answer>(call: Promise<Answer>): Promise<Answer> {
  try {
    return await call
  } catch (error) {
    if (error instanceof BatchServiceException && isThrottling(error))
      throw new JobThrottledError(error.message, { cause: error })
    throw error
  }
}

type Mutable<Type> = Type extends object ? { -readonly [Key in keyof Type]: Mutable<Type[Key]> } : Type

/** Copy for the SDK, whose input types are mutable. */
function mutable<Type>(value: Type): Mutable<Type> {
  return structuredClone(value) as Mutable<Type>
}

/** Batch documents no exception for throttling: status, name or message show it. */
function isThrottling(error: BatchServiceException): boolean {
  return (
    error.$metadata.httpStatusCode === 429 ||
    /throttl|toomanyrequests|requestlimitexceeded/iu.test(error.name) ||
    /too many requests|rate exceeded/iu.test(error.message)
  )
}

/** Ignores the error for a job that does not exist or has ended. Batch documents no exception for it, so the message is compared. */
async function ignoreEndedJob(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    const isGone =
      error instanceof ClientException &&
      !isThrottling(error) &&
      /not found|not exist|no such|inactive|already/iu.test(error.message)
    if (!isGone) throw error
  }
}
