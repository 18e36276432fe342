import validate from 'asl-validator'
import { describe, expect, it } from 'vitest'
import {
  createReferenceResolver,
  type SynthesizedTemplate,
} from '../../local/templates/resolve-references.ts'
import { synthesize } from './synthesis.ts'

/** As far as the tests change it. */
interface Definition {
  readonly States: Record<string, Record<string, unknown>>
}

const templates = synthesize('production').templates.map(
  (template) => template.toJSON() as SynthesizedTemplate,
)

/** The definitions as Step Functions gets them, by logical id. */
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
  it('are two: that of a run and that of a set', () => {
    expect(definitions).toHaveLength(2)
  })

  it.each(definitions)('are written in the language of Step Functions: %s', (_id, definition) => {
    expect(problemsOf(definition)).toEqual([])
  })

  // The validator knows JSONata: what it is good for here.
  it.each([
    ['an expression that JSONata cannot read', { Output: '{% $states.( %}' }],
    ['a field of the other query language', { OutputPath: '$.x' }],
    ['a step that does not exist', { Next: 'Nowhere' }],
  ])('would not pass with %s', (_what, change) => {
    const [[, definition] = ['', { States: {} }]] = definitions
    const { SubmitJob } = definition.States
    const States = { ...definition.States, SubmitJob: { ...SubmitJob, ...change } }

    expect(problemsOf({ ...definition, States })).not.toEqual([])
  })
})
