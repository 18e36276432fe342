import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  InvalidToken,
  ListExecutionsCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  SFNServiceException,
  StartExecutionCommand,
  StopExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn'
import { pagesOf } from '../shared/pages.ts'
import { type RunWorkflow, WorkflowUnavailableError } from './run-workflow.ts'

export interface SfnRunWorkflowOptions {
  readonly client: SFNClient
  readonly stateMachineArn: string
}

/** Longest fields of SendTaskFailure and StopExecution; both calls are refused when a text is longer. */
const MAX_ERROR_LENGTH = 256
const MAX_CAUSE_LENGTH = 32_768

/** Step Functions: the execution of a run has the run's id for a name, and its input is `{runId}`. */
export function createSfnRunWorkflow({ client, stateMachineArn }: SfnRunWorkflowOptions): RunWorkflow {
  const executionArnPrefix = stateMachineArn.replace(':stateMachine:', ':execution:')

  const findStatus: RunWorkflow['findStatus'] = async (runId) => {
    const command = new DescribeExecutionCommand({ executionArn: `${executionArnPrefix}:${runId}` })
    return (await unless(client.send(command), ExecutionDoesNotExist))?.status
  }

  return {
    async start(runId) {
      const command = new StartExecutionCommand({
        stateMachineArn,
        name: runId,
        input: JSON.stringify({ runId }),
      })
      await unavailableTold(unless(client.send(command), ExecutionAlreadyExists))
    },

    async succeedToken(taskToken, output) {
      const command = new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output ?? null) })
      await unless(client.send(command), ...TOKEN_IS_OVER)
    },

    async failToken(taskToken, error, cause) {
      const command = new SendTaskFailureCommand({
        taskToken,
        error: cut(error, MAX_ERROR_LENGTH),
        cause: cut(cause, MAX_CAUSE_LENGTH),
      })
      await unless(client.send(command), ...TOKEN_IS_OVER)
    },

    async stop(runId, cause) {
      const command = new StopExecutionCommand({
        executionArn: `${executionArnPrefix}:${runId}`,
        cause: cut(cause, MAX_CAUSE_LENGTH),
      })
      try {
        await unless(client.send(command), ExecutionDoesNotExist)
      } catch (refusal) {
        // The API documents no error for an execution that has ended, and emulators refuse it in words of their own (MiniStack
        // 1.5.33: ValidationException): how it stands decides, not what the refusal says.
        const status = await findStatus(runId).catch(() => 'RUNNING')
        if (status === 'RUNNING') throw refusal
      }
    },

    findStatus,

    async *listRunning() {
      const query = { stateMachineArn, statusFilter: 'RUNNING' } as const
      const pages = pagesOf(
        (nextToken) => client.send(new ListExecutionsCommand({ ...query, nextToken })),
        ({ nextToken }) => nextToken,
      )
      for await (const { executions = [] } of pages) yield* executions.flatMap(({ name }) => name ?? [])
    },
  }
}

type ErrorClass = abstract new (...args: never[]) => Error

/** A token that was answered, timed out or belonged to an execution that ended. */
const TOKEN_IS_OVER: readonly ErrorClass[] = [TaskTimedOut, TaskDoesNotExist, InvalidToken]

/** @throws WorkflowUnavailableError for everything but a refusal, which would be the same another time */
async function unavailableTold<Answer>(call: Promise<Answer>): Promise<Answer> {
  try {
    return await call
  } catch (error) {
    const isRefusal =
      error instanceof SFNServiceException && error.$fault === 'client' && !/throttl/iu.test(error.name)
    if (isRefusal) throw error
    throw new WorkflowUnavailableError('Step Functions did not answer', { cause: error })
  }
}

/** The call's answer; undefined after one of the harmless errors. */
async function unless<Answer>(
  call: Promise<Answer>,
  ...harmless: readonly ErrorClass[]
): Promise<Answer | undefined> {
  try {
    return await call
  } catch (error) {
    if (!harmless.some((errorClass) => error instanceof errorClass)) throw error
    return undefined
  }
}

function cut(text: string, maxLength: number): string {
  return text.slice(0, maxLength).toWellFormed()
}
