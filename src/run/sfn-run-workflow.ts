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
import { ignoring } from '../shared/ignoring.ts'
import { pagesOf } from '../shared/pages.ts'
import { type RunWorkflow, WorkflowUnavailableError } from './run-workflow.ts'

export interface SfnRunWorkflowOptions {
  readonly client: SFNClient
  readonly stateMachineArn: string
  /** Input of the execution with this name. */
  readonly inputOf?: (name: string) => object
}

/** Limits of SendTaskFailure and StopExecution, which refuse longer texts. */
const MAX_ERROR_LENGTH = 256
const MAX_CAUSE_LENGTH = 32_768

/** Client of one state machine. By default, executions are named by the run's id, and their input is `{runId}`. */
export function createSfnRunWorkflow({
  client,
  stateMachineArn,
  inputOf = (runId) => ({ runId }),
}: SfnRunWorkflowOptions): RunWorkflow {
  const executionArnPrefix = stateMachineArn.replace(':stateMachine:', ':execution:')

  const findStatus: RunWorkflow['findStatus'] = async (runId) => {
    const command = new DescribeExecutionCommand({ executionArn: `${executionArnPrefix}:${runId}` })
    return (await ignoring(client.send(command), ExecutionDoesNotExist))?.status
  }

  return {
    async start(runId) {
      const command = new StartExecutionCommand({
        stateMachineArn,
        name: runId,
        input: JSON.stringify(inputOf(runId)),
      })
      await asUnavailable(ignoring(client.send(command), ExecutionAlreadyExists))
    },

    ...createTokenAnswers(client),

    async stop(runId, cause) {
      const command = new StopExecutionCommand({
        executionArn: `${executionArnPrefix}:${runId}`,
        cause: cut(cause, MAX_CAUSE_LENGTH),
      })
      try {
        await ignoring(client.send(command), ExecutionDoesNotExist)
      } catch (refusal) {
        // The API documents no error for an execution that has ended, and emulators differ (MiniStack 1.5.33: ValidationException).
        // Therefore the status decides whether the refusal is an error.
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

/** The token was completed, timed out, or its execution has ended. */
const TOKEN_IS_OVER = [TaskTimedOut, TaskDoesNotExist, InvalidToken]

function createTokenAnswers(client: SFNClient): Pick<RunWorkflow, 'succeedToken' | 'failToken'> {
  return {
    async succeedToken(taskToken, output) {
      const command = new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output ?? null) })
      await ignoring(client.send(command), ...TOKEN_IS_OVER)
    },

    async failToken(taskToken, error, cause) {
      const command = new SendTaskFailureCommand({
        taskToken,
        error: cut(error, MAX_ERROR_LENGTH),
        cause: cut(cause, MAX_CAUSE_LENGTH),
      })
      await ignoring(client.send(command), ...TOKEN_IS_OVER)
    },
  }
}

/** @throws WorkflowUnavailableError when a retry may succeed; client errors are rethrown unchanged */
async function asUnavailable<Answer>(call: Promise<Answer>): Promise<Answer> {
  try {
    return await call
  } catch (error) {
    const isRefusal =
      error instanceof SFNServiceException && error.$fault === 'client' && !/throttl/iu.test(error.name)
    if (isRefusal) throw error
    throw new WorkflowUnavailableError('Step Functions did not answer', { cause: error })
  }
}

function cut(text: string, maxLength: number): string {
  return text.slice(0, maxLength).toWellFormed()
}
