import validate from 'asl-validator'
import { describe, expect, it } from 'vitest'
import { createReferenceResolver, type SynthesizedTemplate } from '../templates/resolve-references.ts'
import { synthesize } from './synthesis.ts'

/** Fields of a definition that the tests change. */
interface Definition {
  readonly States: Record<string, Record<string, unknown>>
}

const templates = synthesize('production').templates.map(
  (template) => template.toJSON() as SynthesizedTemplate,
)

/** Definitions as they are sent to Step Functions, by logical id. */
const definitions: readonly (readonly [id: string, definition: Definition])[] = templates.flatMap(
  (template) => {
    const { resolve } = createReferenceResolver(template, templates)
    return Object.entries(template.Resources)
      .filter(([, { Type }]) => Type === 'AWS::StepFunctions::StateMachine')
      .map(([id, { Properties }]) => [id, JSON.parse(String(resolve(Properties?.DefinitionString)))] as const)
  },
)

const problemsOf = (definition: Definition) =>
  validate(structuredClone(definition)).errors.map((error) => error.Message ?? error['Error code'])

describe('state machines', () => {
  it('exist for runs and for run sets', () => {
    expect(definitions).toHaveLength(2)
  })

  it.each(definitions)('are valid in the Amazon States Language: %s', (_id, definition) => {
    expect(problemsOf(definition)).toEqual([])
  })

  // Shows that the validator also checks JSONata.
  it.each([
    ['an expression that JSONata cannot read', { Output: '{% $states.( %}' }],
    ['a field of the other query language', { OutputPath: '$.x' }],
    ['a step that does not exist', { Next: 'Nowhere' }],
  ])('are invalid with %s', (_what, change) => {
    const [[, definition] = ['', { States: {} }]] = definitions
    const { SubmitJob } = definition.States
    const States = { ...definition.States, SubmitJob: { ...SubmitJob, ...change } }

    expect(problemsOf({ ...definition, States })).not.toEqual([])
  })
})
