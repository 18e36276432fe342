import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { RefusedDescriptor } from '../../../../src/task/descriptor/parse-task-descriptor.ts'
import { aRawDescriptor, parse, withInput } from './descriptor-builder.ts'

/** Warnings of a valid descriptor, as messages. */
function warningsOf(descriptor: unknown): readonly string[] {
  const parsed = parse(descriptor)
  if ('problems' in parsed) throw new Error(parsed.problems.map(({ message }) => message).join('\n'))
  return parsed.warnings.map(({ message }) => message)
}

const withType = (type: Readonly<Record<string, unknown>>) => withInput({ type })

describe('warnings about keys without effect', () => {
  it('do not occur in a descriptor of known keys', () => {
    const descriptor = aRawDescriptor({
      $comment: 'x',
      'x-own': { anything: 1 },
      name_short: 'count',
      external: { dois: ['x'], homepage: 'y' },
      configuration: { image: '/image.tar', resources: { ram: '1Gi', cpus: 1, gpus: 0, internet: false } },
      inputs: {
        a: {
          type: { id: 'integer', geq: 1 },
          description: '',
          display_name: 'A',
          optional: true,
          default: 1,
        },
        b: { type: { id: 'array', subtype: 'integer', allow_missing: true }, description: '' },
      },
      outputs: {
        c: { type: 'integer', description: '', optional: true, dependencies: { derived_from: 'inputs/a' } },
        d: {
          type: { id: 'array', subtype: { id: 'string', max_length: 3 } },
          description: '',
          dependencies: { matching: ['inputs/b'] },
        },
      },
    })

    expect(warningsOf(descriptor)).toEqual([])
  })

  it('have line and column', () => {
    const text = `$schema: https://example.org/schema
name: Count cells
namespace: com.example.count
version: 1.0.0
authors: [{first_name: Ada, last_name: Byron, organization: Example, email: a@example.org}]
configuration:
  resources: {memory: 8Gi}
inputs:
  a:
    description: x
    type: {id: integer, gte: 3}
    optionnal: yes
    min: 3
outputs: {}
`

    const parsed = parse(text)

    expect(parsed).toMatchObject({
      warnings: [
        {
          message:
            'configuration.resources.memory is not known here and has no effect: did you mean ram? (line 7, column 15)',
          line: 7,
          column: 15,
        },
        {
          message:
            'inputs.a.type.gte is not known here and has no effect: did you mean geq? (line 11, column 25)',
          line: 11,
          column: 25,
        },
        {
          message:
            'inputs.a.optionnal is not known here and has no effect: did you mean optional? (line 12, column 5)',
          line: 12,
          column: 5,
        },
        {
          message:
            'inputs.a.min is not known here and has no effect: did you mean geq in the type, as type: {id: integer, geq: …}? (line 13, column 5)',
          line: 13,
          column: 5,
        },
      ],
    })
  })

  it.each<readonly [descriptor: object, path: string, advice: string]>([
    [aRawDescriptor({ descripton: 'x' }), 'descripton', 'did you mean description?'],
    [aRawDescriptor({ resources: {} }), 'resources', 'did you mean configuration.resources?'],
    [aRawDescriptor({ ram: '1Gi' }), 'ram', 'did you mean configuration.resources.ram?'],
    [aRawDescriptor({ license: 'MIT' }), 'license', 'remove it; known are $schema, name, '],
    [
      aRawDescriptor({ configuration: { memory: '1Gi' } }),
      'configuration.memory',
      'configuration.resources.ram?',
    ],
    [aRawDescriptor({ configuration: { inputFolder: '/x' } }), 'configuration.inputFolder', 'input_folder?'],
    [aRawDescriptor({ configuration: { image: { path: 'x' } } }), 'configuration.image.path', 'mean file?'],
    [
      aRawDescriptor({ configuration: { resources: { cpu: 2 } } }),
      'configuration.resources.cpu',
      'mean cpus?',
    ],
    [withInput({ type: 'integer', 'display-name': 'x' }), 'inputs.a["display-name"]', 'mean display_name?'],
    [
      withInput({ type: 'integer', required: true }),
      'inputs.a.required',
      'write its opposite, optional: true or optional: false (default)',
    ],
    [
      withInput({ type: 'integer', lt: 3 }),
      'inputs.a.lt',
      'mean lt in the type, as type: {id: integer, lt: …}?',
    ],
    [withInput({ type: 'image', formats: ['png'] }), 'inputs.a.formats', 'as type: {id: image, formats: …}?'],
    [withInput({ type: 'boolean', min: 1 }), 'inputs.a.min', 'remove it; known are '],
    [
      withInput({ type: 'integer', dependencies: { derivedFrom: 'x' } }),
      'inputs.a.dependencies.derivedFrom',
      'mean derived_from?',
    ],
    [
      withInput({ type: 'integer', dependencies: { derived_from: 'x' } }),
      'inputs.a.dependencies.derived_from',
      'only outputs are derived',
    ],
    [
      withInput({ type: 'image', default: 'x.png' }),
      'inputs.a.default',
      'an input of type image, which has no defaults',
    ],
    [
      aRawDescriptor({ outputs: { a: { type: 'integer', description: '', default: 1 } } }),
      'outputs.a.default',
      'no effect on an output',
    ],
    [withType({ id: 'integer', minimum: 3 }), 'inputs.a.type.minimum', 'mean geq?'],
    [withType({ id: 'integer', Leq: 3 }), 'inputs.a.type.Leq', 'mean leq?'],
    [
      withType({ id: 'integer', max_length: 3 }),
      'inputs.a.type.max_length',
      'remove it; known are id, gt, geq, lt, leq',
    ],
    [withType({ id: 'number', nan_allow: true }), 'inputs.a.type.nan_allow', 'mean nan_allowed?'],
    [withType({ id: 'string', maxLength: 3 }), 'inputs.a.type.maxLength', 'mean max_length?'],
    [withType({ id: 'string', min: 3 }), 'inputs.a.type.min', 'mean min_length?'],
    [withType({ id: 'enumeration', values: ['a'], options: ['b'] }), 'inputs.a.type.options', 'mean values?'],
    [withType({ id: 'datetime', min: 'x' }), 'inputs.a.type.min', 'mean after?'],
    [withType({ id: 'image', max_size: '1Mi' }), 'inputs.a.type.max_size', 'mean max_file_size?'],
    [withType({ id: 'image', width: 3 }), 'inputs.a.type.width', 'mean max_width?'],
    [withType({ id: 'file', format: 'text' }), 'inputs.a.type.format', 'mean formats?'],
    [withType({ id: 'boolean', label: 'x' }), 'inputs.a.type.label', 'remove it; known are id'],
    [withType({ id: 'array', subtype: 'integer', minItems: 1 }), 'inputs.a.type.minItems', 'mean min_size?'],
    [
      withType({ id: 'array', subtype: { id: 'array', subtype: { id: 'integer', gte: 1 } } }),
      'inputs.a.type.subtype.subtype.gte',
      'mean geq?',
    ],
    [
      aRawDescriptor({
        authors: [{ first_name: 'a', last_name: 'b', organization: 'c', email: 'd', contact: true }],
      }),
      'authors[0].contact',
      'mean is_contact?',
    ],
  ])('are given for %j', (descriptor, path, advice) => {
    const warnings = warningsOf(descriptor)

    expect(warnings).toEqual([expect.stringContaining(advice)])
    expect(warnings[0]).toMatch(/ \(line \d+, column \d+\)$/u)
    expect(warnings[0]?.startsWith(`${path} `)).toBe(true)
  })

  it('are given together with problems, which such a key may have caused', () => {
    const { problems, warnings } = parse(
      withInput({ type: 'nothing', description: undefined }),
    ) as RefusedDescriptor
    const misspelt = parse(aRawDescriptor({ descripton: 'text', version: '1' }))

    expect(problems).toHaveLength(2)
    expect(warnings).toEqual([])
    expect(misspelt.warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^descripton .*did you mean description\?/u),
    ])
  })

  it.each<readonly [input: Readonly<Record<string, unknown>>, advice: Readonly<Record<string, string>>]>([
    [
      { type: 'int', optionnal: true, defalt: 3, lte: 4 },
      { optionnal: 'mean optional?', defalt: 'mean default?', lte: 'mean leq in the type' },
    ],
    [{ typ: 'integer' }, { typ: 'mean type?' }],
    [{ type: { id: 'array', subType: 'integer' } }, { 'type.subType': 'mean subtype?' }],
    [
      { type: { id: 'array', subtype: { id: 'integer', gte: 1, lt: 'x' } } },
      { 'type.subtype.gte': 'mean geq?' },
    ],
    [{ type: { id: 'integer', geq: 'x', gte: 3 } }, { 'type.gte': 'mean geq?' }],
    [{ type: { id: 'float', minimum: 3 } }, { 'type.minimum': 'mean geq?' }],
    [{ type: { type: 'integer', geq: 3 } }, { 'type.type': 'mean id?' }],
  ])('are given for %j, whose type has a problem', (input, advice) => {
    const { problems, warnings } = parse(withInput(input)) as RefusedDescriptor

    expect(problems).toHaveLength(1)
    expect(warnings.map(({ message }) => message)).toEqual(
      Object.entries(advice).map(([key, words]) =>
        expect.stringMatching(new RegExp(`^inputs\\.a\\.${key} .*${words.replaceAll('?', '\\?')}`, 'u')),
      ),
    )
  })

  it.each([
    [
      'merge keys',
      'x-base: &base {type: integer}\n',
      'inputs: {a: {<<: *base, description: x}}\n',
      'inputs.a["<<"] is not known here and has no effect: YAML 1.2 has no merge keys; repeat the keys here (line 2, column 14)',
    ],
    [
      'unknown tags',
      '',
      'inputs: {a: !own {type: integer, description: x}}\n',
      'the tag !own is not known here and has no effect: remove it (line 1, column 13)',
    ],
    [
      'a second document',
      '',
      'inputs: {}\n---\n# end\nname: x\n',
      'the text after the first YAML document is ignored',
    ],
  ])('are given for %s', (_, before, inputs, message) => {
    const rest = stringify(aRawDescriptor({ inputs: undefined }))
    const isLast = inputs.includes('---')

    const { warnings } = parse(isLast ? `${before}${rest}${inputs}` : `${before}${inputs}${rest}`)

    expect(warnings.map((one) => one.message)).toEqual([expect.stringContaining(message)])
  })

  it('are not given for marks of a single document', () => {
    expect(warningsOf(`%YAML 1.2\n---\n${stringify(aRawDescriptor())}# end\n...\n# end\n`)).toEqual([])
  })

  it.each(['text', '[]', 'authors: none', 'inputs: 3'])(
    'are not given for %j, which is not a descriptor',
    (text) => {
      expect(parse(text)).toHaveProperty('problems')
    },
  )

  it('are given for 50 keys, with the number of the others', () => {
    const keys = Object.fromEntries(
      Array.from({ length: 120 }, (_, i) => [`unknown_${i}_${'k'.repeat(300)}`, 1]),
    )

    const warnings = warningsOf(aRawDescriptor(keys))

    expect(warnings).toHaveLength(51)
    expect(warnings.at(-1)).toBe('the descriptor has 70 more keys without effect')
    expect(JSON.stringify(warnings).length).toBeLessThan(30_000)
  })
})
