import { Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { stageNamed } from '../../lib/stages.ts'
import { resourcesOf, spell, synthesize } from './synthesis.ts'

interface State {
  readonly Type: string
  readonly Resource: string
  readonly Next?: string
  readonly End?: boolean
  readonly TimeoutSeconds?: number
  readonly Output?: unknown
  readonly Arguments: { readonly FunctionName: string; readonly Payload: unknown }
  readonly Retry: readonly Record<string, unknown>[]
  readonly Catch?: readonly Record<string, unknown>[]
}

interface Definition {
  readonly StartAt: string
  readonly QueryLanguage: string
  readonly States: {
    readonly SubmitJob: State
    readonly CollectOutputs: State
    readonly FailRun: State
  }
}

const template = Template.fromStack(synthesize('production').stacks.service)
const [, machine] =
  resourcesOf(template, 'AWS::StepFunctions::StateMachine').find(
    ([, { Properties }]) => Properties.StateMachineName === 'app-engine-run',
  ) ?? []
const definition: Definition = JSON.parse(spell(machine?.Properties.DefinitionString))
const { SubmitJob, CollectOutputs, FailRun } = definition.States

const EVERY_FAILURE = {
  ErrorEquals: ['States.ALL'],
  Next: 'FailRun',
  Output: {
    runId: '{% $states.input.runId %}',
    error: '{% $states.errorOutput.Error %}',
    cause: "{% $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : '' %}",
  },
}

/** Sum of the longest possible pauses of a retrier, in seconds. */
function longestPauses(retrier: Readonly<Record<string, unknown>> = {}): number {
  const { IntervalSeconds, BackoffRate, MaxAttempts, MaxDelaySeconds = Infinity } = retrier
  return Array.from({ length: Number(MaxAttempts) }, (_, index) =>
    Math.min(Number(MaxDelaySeconds), Number(IntervalSeconds) * Number(BackoffRate) ** index),
  ).reduce((sum, pause) => sum + pause, 0)
}

describe('the run workflow', () => {
  it('submits the job, collects the outputs, and records a failure of either step', () => {
    expect(Object.keys(definition.States).sort()).toEqual(['CollectOutputs', 'FailRun', 'SubmitJob'])
    expect(definition.StartAt).toBe('SubmitJob')
    expect(SubmitJob.Next).toBe('CollectOutputs')
    expect(CollectOutputs.End).toBe(true)
    expect(FailRun.End).toBe(true)
  })

  it('calls the function of each step with the run', () => {
    expect(SubmitJob.Arguments.FunctionName).toMatch(/^<SubmitJobFunction/u)
    expect(CollectOutputs.Arguments.FunctionName).toMatch(/^<CollectOutputsFunction/u)
    expect(CollectOutputs.Arguments.Payload).toBe('{% {"runId": $states.input.runId} %}')
    expect(FailRun.Arguments.FunctionName).toMatch(/^<FailRunFunction/u)
    expect(FailRun.Arguments.Payload).toBe('{% $states.input %}')
  })

  it('waits for the response to the token up to a time limit, and passes the run on', () => {
    expect(SubmitJob.Resource).toMatch(/:states:::lambda:invoke\.waitForTaskToken$/u)
    expect(SubmitJob.Arguments.Payload).toEqual({
      runId: '{% $states.input.runId %}',
      taskToken: '{% $states.context.Task.Token %}',
    })
    expect(SubmitJob.TimeoutSeconds).toBe(48 * 60 * 60)
    expect(SubmitJob.Output).toBe('{% $states.input %}')
  })

  it('does not use the integration that does not support multi-container jobs', () => {
    expect(JSON.stringify(definition)).not.toContain('batch:submitJob')
  })

  it('retries a submission unless the job failed or was refused, and does so for half an hour when throttled', () => {
    expect(SubmitJob.Retry).toEqual([
      { ErrorEquals: ['JobFailed', 'JobRefused'], MaxAttempts: 0 },
      {
        ErrorEquals: ['JobThrottled', 'Lambda.TooManyRequestsException'],
        IntervalSeconds: 2,
        BackoffRate: 2,
        MaxAttempts: 20,
        MaxDelaySeconds: 120,
        JitterStrategy: 'FULL',
      },
      {
        ErrorEquals: ['States.TaskFailed'],
        IntervalSeconds: 2,
        BackoffRate: 2,
        MaxAttempts: 6,
        JitterStrategy: 'FULL',
      },
    ])
  })

  it.each([
    ['the collection of outputs', CollectOutputs],
    ['the record of a failure', FailRun],
  ])('retries %s for half an hour when throttled, and a few times after other errors', (_, { Retry }) => {
    expect(Retry).toMatchObject([
      {
        ErrorEquals: ['Lambda.TooManyRequestsException'],
        MaxAttempts: 20,
        MaxDelaySeconds: 120,
        JitterStrategy: 'FULL',
      },
      { ErrorEquals: ['States.ALL'], MaxAttempts: 6 },
    ])
  })

  it.each([
    ['SubmitJob', SubmitJob, 60],
    ['CollectOutputs', CollectOutputs, 900],
  ])('ends the retries of %s before the step limit of the sweeper', (_, { Retry }, secondsOfCall) => {
    const stepLimit = stageNamed('production', {}).sweep.stepLimitSeconds
    const [throttled, failed] = Retry.slice(-2)

    // Pauses of half an hour and of two minutes. A throttled call itself takes no time.
    expect([throttled, failed].map(longestPauses)).toEqual([1806, 126])
    const calls = 1 + Number(failed?.MaxAttempts)
    expect(1806 + 126 + calls * secondsOfCall).toBeLessThan(stepLimit)
  })

  it('records every failure that remains after the retries', () => {
    expect(SubmitJob.Catch).toEqual([EVERY_FAILURE])
    expect(CollectOutputs.Catch).toEqual([EVERY_FAILURE])
  })

  it('logs errors without execution data', () => {
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      StateMachineType: 'STANDARD',
      StateMachineName: 'app-engine-run',
      LoggingConfiguration: { Level: 'ERROR' },
    })
    expect(machine?.Properties.LoggingConfiguration).not.toHaveProperty('IncludeExecutionData', true)
  })
})
