import { Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { MAX_ROWS } from '../../src/contract/run-set-limits.ts'
import { resourcesOf, spell, statementsOf, synthesize } from './synthesis.ts'

interface State {
  readonly Type: string
  readonly [field: string]: unknown
}

const { service, compute } = synthesize('production').stacks
const template = Template.fromStack(service)

function definitionOf(name: string): { readonly States: Readonly<Record<string, State>> } {
  const [, machine] =
    resourcesOf(template, 'AWS::StepFunctions::StateMachine').find(
      ([, { Properties }]) => Properties.StateMachineName === name,
    ) ?? []
  return JSON.parse(spell(machine?.Properties.DefinitionString))
}

const { States: ofSet } = definitionOf('app-engine-run-set')
const { States: ofRun } = definitionOf('app-engine-run')
const map = ofSet.Runs as State & {
  readonly ItemProcessor: { readonly StartAt: string; readonly States: Readonly<Record<string, State>> }
}

describe('the workflow of run sets', () => {
  it('executes each run by the steps of the run workflow', () => {
    const steps = map.ItemProcessor.States

    expect(Object.keys(steps).sort()).toEqual(Object.keys(ofRun).sort())
    for (const [name, { QueryLanguage, Output, ...step }] of Object.entries(steps)) {
      const { QueryLanguage: _, Output: output, ...single } = ofRun[name] ?? { Type: '' }
      expect(step).toEqual(single)
      expect(Output).toEqual(output ?? '{% 0 %}')
    }
  })

  it('takes no more transitions for a run than the run workflow', () => {
    const stepsOf = (states: Readonly<Record<string, State>>, start: unknown): number => {
      let steps = 0
      for (let at = start; typeof at === 'string'; at = states[at]?.Next) steps += 1
      return steps
    }

    expect(stepsOf(map.ItemProcessor.States, map.ItemProcessor.StartAt)).toBe(stepsOf(ofRun, 'SubmitJob'))
    // The start and the end are transitions too, see docs/cost.md.
    expect(stepsOf(ofRun, 'SubmitJob')).toBe(2)
  })

  it('limits concurrency to the maximum of the set, and continues when runs fail', () => {
    expect(map).toMatchObject({
      Type: 'Map',
      ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' } },
      MaxConcurrencyPath: '$.maxConcurrency',
      ToleratedFailureCount: MAX_ROWS,
      ResultPath: null,
    })
  })

  it('calls the worker until no run is left', () => {
    expect(ofSet.IsWorkLeft).toMatchObject({ Default: 'WorkOnRunSet' })
    expect(ofSet.Runs?.Next).toBe('Pause')
    expect(ofSet.Pause).toMatchObject({ Type: 'Wait', Next: 'WorkOnRunSet' })
  })
})

describe('the worker of run sets', () => {
  it('has no permission to start an execution or submit a job', () => {
    const actions = resourcesOf(template, 'AWS::IAM::Policy')
      .filter(([id]) => id.startsWith('WorkOnRunSetRole'))
      .flatMap(([, { Properties }]) => statementsOf(Properties.PolicyDocument))
      .flatMap(({ actions }) => actions)

    expect(actions).toContain('dynamodb:BatchWriteItem')
    expect(
      actions.filter((action) => /^(?:states:Start|batch:Submit|iam:|ecr:)/u.test(String(action))),
    ).toEqual([])
  })
})

describe('the queues', () => {
  it('have a scheduling policy, which shares machines fairly between sets', () => {
    const queues = Template.fromStack(compute ?? service)

    queues.resourceCountIs('AWS::Batch::SchedulingPolicy', 1)
    for (const [, { Properties }] of resourcesOf(queues, 'AWS::Batch::JobQueue')) {
      expect(Properties).toHaveProperty('SchedulingPolicyArn')
    }
  })
})
