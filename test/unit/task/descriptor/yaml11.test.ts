import { describe, expect, it } from 'vitest'
import { booleanOf, numberOf } from '../../../../src/task/descriptor/yaml11-scalar.ts'
import { parseValid, problemsOf } from './descriptor-builder.ts'

/** A descriptor with this text as its inputs, from line 8 on. */
const withInputs = (inputs: string, configuration = '{}'): string => `$schema: https://example.org/schema
name: Count cells
namespace: com.example.count
version: 1.0.0
authors: [{first_name: Ada, last_name: Byron, organization: on, email: no}]
configuration: ${configuration}
outputs: {}
inputs:
${inputs}`

const typeOf = (type: string) =>
  parseValid(withInputs(`  a: {description: x, type: ${type}}`)).inputs[0]?.type
const inputOf = (rest: string) => parseValid(withInputs(`  a: {description: x, ${rest}}`)).inputs[0]

describe('scalars of YAML 1.1', () => {
  it.each<readonly [source: string, value: boolean | undefined]>([
    ...['yes', 'Yes', 'YES', 'on', 'On', 'ON', 'true', 'True', 'TRUE'].map((word) => [word, true] as const),
    ...['no', 'No', 'NO', 'off', 'Off', 'OFF', 'false', 'False', 'FALSE'].map(
      (word) => [word, false] as const,
    ),
    ...['y', 'n', 'yEs', 'oN', '1', '0', '', 'yes ', 'maybe'].map((word) => [word, undefined] as const),
  ])('include %j as the boolean %s', (source, value) => {
    expect(booleanOf(source)).toBe(value)
  })

  it.each<readonly [source: string, value: number | undefined]>([
    ['10_000', 10_000],
    ['0144', 100],
    ['-0144', -100],
    ['+0_17', 15],
    ['00', 0],
    ['0', 0],
    ['0b1010_0111', 167],
    ['-0b11', -3],
    ['0x_0A_74', 2676],
    ['0o17', 15],
    ['685_230', 685_230],
    ['6.8523015e+5', 685_230.15],
    ['685.230_15e+03', 685_230.15],
    ['1e3', 1000],
    ['.5', 0.5],
    ['5.', 5],
    ['1_000.5', 1000.5],
    ['.inf', Number.POSITIVE_INFINITY],
    ['-.INF', Number.NEGATIVE_INFINITY],
    ['.NaN', Number.NaN],
    ...[
      '0899',
      '190:20:30',
      '_1',
      '1,000',
      '0x',
      '0b2',
      '1e',
      '.',
      '',
      'yes',
      '1 000',
      '0o8',
      '--1',
      '1e_3',
    ].map((source) => [source, undefined] as const),
  ])('include %j as the number %s', (source, value) => {
    expect(numberOf(source)).toBe(value)
  })
})

describe('a descriptor in YAML 1.1', () => {
  it.each([
    ['yes', true],
    ['Off', false],
    ['NO', false],
    ['on', true],
  ])('accepts %s for whether a parameter is optional', (word, optional) => {
    expect(inputOf(`type: integer, optional: ${word}`)?.optional).toBe(optional)
  })

  it('may have YAML 1.1 booleans wherever a boolean is expected', () => {
    expect(typeOf('{id: number, nan_allowed: yes, infinity_allowed: On}')).toEqual({
      id: 'number',
      nanAllowed: true,
      infinityAllowed: true,
    })
    expect(
      typeOf('{id: array, allow_missing: YES, subtype: {id: array, allow_missing: on, subtype: integer}}'),
    ).toEqual({
      id: 'array',
      allowMissing: true,
      subType: { id: 'array', allowMissing: true, subType: { id: 'integer' } },
    })
    expect(inputOf('type: boolean, default: off')?.default).toBe(false)
    const { resources } = parseValid(withInputs('  {}', '{resources: {internet: yes, cpus: 0b10, gpus: 01}}'))
    expect(resources).toMatchObject({ internet: true, cpus: 2, gpus: 1 })
  })

  it('may have YAML 1.1 numbers wherever a number is expected', () => {
    expect(typeOf('{id: integer, geq: -0144, lt: 10_000}')).toEqual({ id: 'integer', geq: -100, lt: 10_000 })
    expect(typeOf('{id: number, leq: 1_000.5}')).toMatchObject({ leq: 1000.5 })
    expect(typeOf('{id: string, max_length: 0x10}')).toMatchObject({ maxLength: 16 })
    expect(typeOf('{id: image, max_width: 100_000, max_height: 0b11}')).toMatchObject({
      maxWidth: 100_000,
      maxHeight: 3,
    })
    expect(inputOf('type: integer, default: 0144')?.default).toBe(100)
    expect(inputOf('type: number, default: 1_0.5')?.default).toBe(10.5)
  })

  it('has them as text wherever a text is expected', () => {
    const { authors, inputs } = parseValid(
      withInputs(
        '  a: {description: no, display_name: on, type: {id: enumeration, values: [yes, no, 10_000, 0144]}, default: 0144}\n' +
          '  b: {description: 0144, type: string, default: off}',
      ),
    )

    expect(authors[0]).toMatchObject({ organization: 'on', email: 'no' })
    expect(inputs).toMatchObject([
      {
        description: 'no',
        displayName: 'on',
        default: '0144',
        type: { values: ['yes', 'no', '10_000', '0144'] },
      },
      { description: '0144', default: 'off' },
    ])
  })

  it.each([
    ['optional: "yes"', 'inputs.a.optional must be true or false, not "yes" (line 9, column 38)'],
    ["optional: 'on'", 'inputs.a.optional must be true or false, not "on" (line 9, column 38)'],
    ['optional: yEs', 'inputs.a.optional must be true or false, not "yEs" (line 9, column 38)'],
    ['default: "10_000"', 'inputs.a.default must be an integer, not "10_000" (line 9, column 38)'],
    ['default: 0899', 'inputs.a.default must be an integer, not "0899" (line 9, column 38)'],
    ['default: 190:20:30', 'inputs.a.default must be an integer, not "190:20:30" (line 9, column 38)'],
  ])('is refused, with the position, for %s', (rest, message) => {
    const problems = problemsOf(withInputs(`  a: {description: x, type: integer, ${rest}}`))

    expect(problems.map((problem) => problem.message)).toEqual([message])
  })

  it('has the value of an alias in the type that each place expects', () => {
    const [a, b] = parseValid(
      withInputs(
        '  a: {description: &word yes, type: integer, optional: *word}\n  b: {description: x, type: {id: integer, lt: &n 0144}, default: 99}',
      ),
    ).inputs

    expect([a?.description, a?.optional, b?.type]).toEqual(['yes', true, { id: 'integer', lt: 100 }])
  })

  it('may have parameters with the names of boolean and numeric keys', () => {
    const { inputs } = parseValid(
      withInputs('  optional: {description: x, type: integer}\n  lt: {description: yes, type: integer}'),
    )

    expect(inputs.map(({ name }) => name)).toEqual(['optional', 'lt'])
  })

  it.each([
    ['/image.tar', '/image.tar'],
    ['{file: image.tar}', 'image.tar'],
  ])('may name its image as %s', (image, imageFile) => {
    expect(parseValid(withInputs('  {}', `{image: ${image}}`)).imageFile).toBe(imageFile)
  })

  it('is refused for a repeated key, with its line', () => {
    const problems = problemsOf(
      withInputs('  a: {description: x, type: integer}\n  a: {description: x, type: boolean}'),
    )

    expect(problems).toEqual([
      {
        path: 'inputs.a',
        message: 'inputs.a must be given only once (line 10, column 3)',
        line: 10,
        column: 3,
      },
    ])
  })
})
