import {
  type BatchClient,
  BatchServiceException,
  ClientException,
  DeregisterJobDefinitionCommand,
  RegisterJobDefinitionCommand,
  SubmitJobCommand,
  TerminateJobCommand,
} from '@aws-sdk/client-batch'
import { type JobScheduler, JobThrottledError } from '../../ports.ts'

export interface BatchJobSchedulerOptions {
  readonly client: BatchClient
  /** Where jobs are submitted to; functions that submit none leave it out. */
  readonly jobQueueArn?: string
}

/** TerminateJob refuses a longer reason. */
const MAX_REASON_LENGTH = 1024

/** AWS Batch with one queue. */
export function createBatchJobScheduler({ client, jobQueueArn }: BatchJobSchedulerOptions): JobScheduler {
  return {
    async registerDefinition(definition) {
      const { jobDefinitionArn } = await client.send(new RegisterJobDefinitionCommand(mutable(definition)))
      if (jobDefinitionArn === undefined) throw new Error('Batch registered a job definition without an ARN')
      return jobDefinitionArn
    },

    async deregisterDefinition(arn) {
      await unlessGone(client.send(new DeregisterJobDefinitionCommand({ jobDefinition: arn })))
    },

    async submit({ jobName, jobDefinitionArn, overrides, tags }) {
      if (jobQueueArn === undefined) throw new Error('this function has no job queue')
      try {
        const { jobId } = await client.send(
          new SubmitJobCommand({
            jobName,
            jobQueue: jobQueueArn,
            jobDefinition: jobDefinitionArn,
            ecsPropertiesOverride: mutable(overrides),
            tags: { ...tags },
          }),
        )
        if (jobId === undefined) throw new Error('Batch accepted a job without an id')
        return { jobId }
      } catch (error) {
        if (error instanceof BatchServiceException && isThrottling(error))
          throw new JobThrottledError(error.message, { cause: error })
        throw error
      }
    },

    async terminate(jobId, reason) {
      const cut = reason.slice(0, MAX_REASON_LENGTH).toWellFormed()
      await unlessGone(client.send(new TerminateJobCommand({ jobId, reason: cut })))
    },
  }
}

type Mutable<Type> = Type extends object ? { -readonly [Key in keyof Type]: Mutable<Type[Key]> } : Type

/** The SDK's input types are mutable where ours are readonly; a copy may be either. */
function mutable<Type>(value: Type): Mutable<Type> {
  return structuredClone(value) as Mutable<Type>
}

/** Batch documents two exceptions for everything; rate limits show in the status, the name or the words. */
function isThrottling(error: BatchServiceException): boolean {
  return (
    error.$metadata.httpStatusCode === 429 ||
    /throttl|toomanyrequests|requestlimitexceeded/iu.test(error.name) ||
    /too many requests|rate exceeded/iu.test(error.message)
  )
}

/** Swallows the refusal to end what does not exist or has ended, which Batch tells in words only. */
async function unlessGone(call: Promise<unknown>): Promise<void> {
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
