import {
  CreateActivityCommand,
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetActivityTaskCommand,
  ListExecutionsCommand,
} from '@aws-sdk/client-sfn'
import { createSfnClient } from '../../../src/aws/clients.ts'
import { createSfnRunWorkflow } from '../../../src/run/sfn-run-workflow.ts'
import { describeRunWorkflow, type StepOutcome } from '../../contract/run-workflow.contract.ts'
import { uniqueName, useEmulator } from './emulator.ts'

useEmulator()
const client = createSfnClient()

/** Creates a state machine with one step that waits for a callback. The step is an activity, so no function is needed. */
async function createWaitingMachine() {
  const name = uniqueName('adapters')
  const { activityArn = '' } = await client.send(new CreateActivityCommand({ name }))
  const { stateMachineArn = '' } = await client.send(
    new CreateStateMachineCommand({
      name,
      roleArn: 'arn:aws:iam::000011112222:role/none',
      definition: JSON.stringify({
        StartAt: 'Wait',
        States: { Wait: { Type: 'Task', Resource: activityArn, TimeoutSeconds: 60, End: true } },
      }),
    }),
  )
  return { activityArn, stateMachineArn }
}

describeRunWorkflow('Step Functions', async () => {
  const { activityArn, stateMachineArn } = await createWaitingMachine()
  const workflow = createSfnRunWorkflow({ client, stateMachineArn })
  const executionArn = (runId: string): string =>
    `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${runId}`
  const runsByToken = new Map<string, string>()

  return {
    workflow,

    async listStartedRuns() {
      const { executions = [] } = await client.send(new ListExecutionsCommand({ stateMachineArn }))
      return executions.map(({ name = '' }) => name)
    },

    async startWaiting(runId) {
      await workflow.start(runId)
      // Returns when the step is waiting. LocalStack can stop an execution only before that.
      const { taskToken = '' } = await client.send(new GetActivityTaskCommand({ activityArn }))
      runsByToken.set(taskToken, runId)
      return taskToken
    },

    async findOutcome(taskToken): Promise<StepOutcome | undefined> {
      const command = new DescribeExecutionCommand({
        executionArn: executionArn(runsByToken.get(taskToken) ?? ''),
      })
      const { status, output = 'null', error = '', cause = '' } = await client.send(command)
      if (status === 'SUCCEEDED') return { kind: 'success', output: JSON.parse(output) }
      return status === 'FAILED' ? { kind: 'failure', error, cause } : undefined
    },

    async isStopped(runId) {
      const { status } = await client.send(
        new DescribeExecutionCommand({ executionArn: executionArn(runId) }),
      )
      return status === 'ABORTED'
    },
  }
})
