import {
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  InvalidToken,
  type SFNClient,
  SFNServiceException,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn'
import { describe, expect, it } from 'vitest'
import { WorkflowUnavailableError } from '../../../src/run/run-workflow.ts'
import { createSfnRunWorkflow } from '../../../src/run/sfn-run-workflow.ts'
import { stubClient } from '../aws/stub-client.ts'

const MACHINE = 'arn:aws:states:eu-west-1:000000000000:stateMachine:runs'
const ERROR = { message: 'refused', $metadata: {} }

function aWorkflow(script: readonly unknown[]) {
  const { client, sent } = stubClient<SFNClient>(script)
  return { workflow: createSfnRunWorkflow({ client, stateMachineArn: MACHINE }), sent }
}

describe('the workflow in Step Functions', () => {
  it('names the execution after the run', async () => {
    const { workflow, sent } = aWorkflow([{}])

    await workflow.start('run-1')
    await workflow.stop('run-1', 'cancelled')

    expect(sent.map(({ input }) => input)).toEqual([
      { stateMachineArn: MACHINE, name: 'run-1', input: '{"runId":"run-1"}' },
      { executionArn: 'arn:aws:states:eu-west-1:000000000000:execution:runs:run-1', cause: 'cancelled' },
    ])
  })

  it('treats an existing execution as started', async () => {
    const { workflow } = aWorkflow([new ExecutionAlreadyExists(ERROR)])

    await expect(workflow.start('run-1')).resolves.toBeUndefined()
  })

  it.each([
    ['without a response', new Error('timed out')],
    [
      'with an internal error',
      new SFNServiceException({ ...ERROR, name: 'InternalServerError', $fault: 'server' }),
    ],
    ['with throttling', new SFNServiceException({ ...ERROR, name: 'ThrottlingException', $fault: 'client' })],
  ])('is reported as unavailable after a failure %s; refusals are passed on unchanged', async (_, cause) => {
    const refusal = new SFNServiceException({ ...ERROR, name: 'AccessDeniedException', $fault: 'client' })
    const { workflow } = aWorkflow([cause, refusal])

    await expect(workflow.start('run-1')).rejects.toThrow(WorkflowUnavailableError)
    await expect(workflow.start('run-1')).rejects.toBe(refusal)
  })

  it('treats a missing execution as stopped', async () => {
    const { workflow } = aWorkflow([new ExecutionDoesNotExist(ERROR)])

    await expect(workflow.stop('run-1', 'cancelled')).resolves.toBeUndefined()
  })

  const refusalNamed = (name: string) => new SFNServiceException({ ...ERROR, name, $fault: 'client' })

  it.each([
    ['has ended', { status: 'SUCCEEDED' }],
    ['does not exist', new ExecutionDoesNotExist(ERROR)],
  ])('treats an execution as stopped that %s, for any error', async (_, standing) => {
    const { workflow, sent } = aWorkflow([refusalNamed('ValidationException'), standing])

    await expect(workflow.stop('run-1', 'cancelled')).resolves.toBeUndefined()

    expect(sent.map(({ name }) => name)).toEqual(['StopExecutionCommand', 'DescribeExecutionCommand'])
  })

  it.each([
    ['continues', { status: 'RUNNING' }],
    ['has an unknown status', new Error('unavailable')],
  ])('reports a failure to stop an execution that %s', async (_, standing) => {
    const refusal = refusalNamed('ThrottlingException')
    const { workflow } = aWorkflow([refusal, standing])

    await expect(workflow.stop('run-1', 'cancelled')).rejects.toBe(refusal)
  })

  it('returns the status of an execution, or undefined', async () => {
    const { workflow, sent } = aWorkflow([{ status: 'ABORTED' }, new ExecutionDoesNotExist(ERROR)])

    expect([await workflow.findStatus('run-1'), await workflow.findStatus('run-2')]).toEqual([
      'ABORTED',
      undefined,
    ])
    expect(sent[0]?.input).toEqual({
      executionArn: 'arn:aws:states:eu-west-1:000000000000:execution:runs:run-1',
    })
  })

  it('lists all running executions, page by page', async () => {
    const { workflow, sent } = aWorkflow([
      { executions: [{ name: 'run-1' }], nextToken: 'more' },
      { executions: [{ name: 'run-2' }] },
    ])

    expect(await Array.fromAsync(workflow.listRunning())).toEqual(['run-1', 'run-2'])
    expect(sent.map(({ input }) => input)).toEqual([
      { stateMachineArn: MACHINE, statusFilter: 'RUNNING' },
      { stateMachineArn: MACHINE, statusFilter: 'RUNNING', nextToken: 'more' },
    ])
  })

  it.each([
    ['timed out', new TaskTimedOut(ERROR)],
    ['was answered', new TaskDoesNotExist(ERROR)],
    ['is unknown', new InvalidToken(ERROR)],
  ])('ignores a token that %s', async (_, error) => {
    const { workflow } = aWorkflow([error])

    await expect(workflow.succeedToken('token', {})).resolves.toBeUndefined()
    await expect(workflow.failToken('token', 'a', 'b')).resolves.toBeUndefined()
  })

  it('truncates texts to the limits of Step Functions, between characters', async () => {
    const { workflow, sent } = aWorkflow([{}])

    await workflow.failToken('token', 'e'.repeat(300), `${'c'.repeat(32_767)}\u{1f52c}`)

    expect(sent[0]?.input).toEqual({
      taskToken: 'token',
      error: 'e'.repeat(256),
      cause: `${'c'.repeat(32_767)}\ufffd`,
    })
  })

  it('passes on other errors unchanged', async () => {
    const failure = new Error('connection lost')
    const { workflow } = aWorkflow([failure])

    await expect(workflow.stop('run-1', 'cancelled')).rejects.toBe(failure)
    await expect(workflow.succeedToken('token', {})).rejects.toBe(failure)
    await expect(workflow.failToken('token', 'a', 'b')).rejects.toBe(failure)
  })
})
