import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { DomainError } from '../../../../src/contract/errors.ts'
import { isNamespace, isSemver } from '../../../../src/contract/names.ts'
import { descriptorError } from '../../../../src/task/descriptor/parse-task-descriptor.ts'
import { aRawDescriptor, parse, parseValid, pathsOf, problemsOf, withInput } from './descriptor-builder.ts'

/** A descriptor of a task with all parts. */
const FULL = `
$schema: https://cytomine.com/schema-store/tasks/task.v0.json
name: Echo numbers
name_short: echo
namespace: org.example.tasks.echo
version: 0.3.0-rc.1+build.7
description: "Two lines:\\nand a colon."
authors:
  - {first_name: Ada, last_name: Byron, organization: Example, email: ada@example.org, is_contact: true}
external: {source_code: https://example.org, doi: [https://doi.org/10.1/1]}
configuration:
  input_folder: /data/in/
  output_folder: /data/out
  image: {file: /echo.tar}
  resources: {ram: 1.5 GB, cpus: 2, gpus: 1.0, internet: true}
inputs:
  threshold:
    display_name: Threshold
    description: Lower bound
    optional: true
    default: 0.5
    type: {id: number, geq: 0, leq: 1}
  10: {description: First by the text, type: integer, default: 5.0}
  items:
    description: Numbers to repeat
    type: {id: array, min_size: 1, max_size: 5, allow_missing: true, subtype: {id: integer, leq: 300.0}}
  picture: {description: "", type: {id: image, formats: [png, tiff], max_file_size: 10 MB, max_width: 512, max_height: 256}}
  model: {description: "", type: {id: file, max_file_size: 1QB}}
outputs:
  items:
    description: The same numbers
    dependencies: {derived_from: inputs/picture, matching: [inputs/items]}
    type: {id: array, subtype: {id: string, max_length: 3}}
  kind: {description: "", optional: true, type: {id: enumeration, values: [a, b]}}
  when: {description: "", type: {id: datetime, after: "2021-03-04T05:06:07+01:00"}}
`

describe('a task descriptor', () => {
  it('is parsed completely, in the order of the text', () => {
    const descriptor = parseValid(FULL)

    expect(descriptor).toEqual({
      namespace: 'org.example.tasks.echo',
      version: '0.3.0-rc.1+build.7',
      name: 'Echo numbers',
      description: 'Two lines:\nand a colon.',
      authors: [
        {
          firstName: 'Ada',
          lastName: 'Byron',
          organization: 'Example',
          email: 'ada@example.org',
          isContact: true,
        },
      ],
      inputFolder: '/data/in',
      outputFolder: '/data/out',
      imageFile: '/echo.tar',
      resources: { ramBytes: '1500000000', cpus: 2, gpus: 1, internet: true },
      inputs: [
        {
          id: 'id-1',
          name: 'threshold',
          displayName: 'Threshold',
          description: 'Lower bound',
          optional: true,
          default: 0.5,
          type: { id: 'number', geq: 0, leq: 1, infinityAllowed: false, nanAllowed: false },
        },
        {
          id: 'id-2',
          name: '10',
          displayName: '10',
          description: 'First by the text',
          optional: false,
          default: 5,
          type: { id: 'integer' },
        },
        {
          id: 'id-3',
          name: 'items',
          displayName: 'items',
          description: 'Numbers to repeat',
          optional: false,
          type: {
            id: 'array',
            minSize: 1,
            maxSize: 5,
            allowMissing: true,
            subType: { id: 'integer', leq: 300 },
          },
        },
        {
          id: 'id-4',
          name: 'picture',
          displayName: 'picture',
          description: '',
          optional: false,
          type: {
            id: 'image',
            formats: ['png', 'tiff'],
            maxFileSizeBytes: 10_000_000,
            maxWidth: 512,
            maxHeight: 256,
          },
        },
        {
          id: 'id-5',
          name: 'model',
          displayName: 'model',
          description: '',
          optional: false,
          type: { id: 'file', maxFileSizeBytes: Number.MAX_SAFE_INTEGER },
        },
      ],
      outputs: [
        {
          id: 'id-6',
          name: 'items',
          displayName: 'items',
          description: 'The same numbers',
          optional: false,
          type: { id: 'array', allowMissing: false, subType: { id: 'string', minLength: 0, maxLength: 3 } },
          derivedFrom: 'picture',
        },
        {
          id: 'id-7',
          name: 'kind',
          displayName: 'kind',
          description: '',
          optional: true,
          type: { id: 'enumeration', values: ['a', 'b'] },
          derivedFrom: null,
        },
        {
          id: 'id-8',
          name: 'when',
          displayName: 'when',
          description: '',
          optional: false,
          type: { id: 'datetime', after: '2021-03-04T04:06:07Z' },
          derivedFrom: null,
        },
      ],
      matchingGroups: [['inputs/items', 'outputs/items']],
    })
  })

  it('gets the defaults of the contract', () => {
    const descriptor = parseValid(aRawDescriptor())

    expect(descriptor).toMatchObject({
      description: null,
      inputFolder: '/inputs',
      outputFolder: '/outputs',
      resources: { ramBytes: String(4 * 1024 ** 3), cpus: 1, gpus: 0, internet: false },
    })
    expect(descriptor).not.toHaveProperty('imageFile')
  })

  it('gets each default of the resources separately', () => {
    const { resources } = parseValid(aRawDescriptor({ configuration: { resources: { cpus: 4 } } }))

    expect(resources).toEqual({ ramBytes: String(4 * 1024 ** 3), cpus: 4, gpus: 0, internet: false })
  })

  it.each(['boolean', 'integer', 'number', 'string', 'datetime', 'geometry', 'image', 'file'])(
    'has the same meaning for %s in short and in long form',
    (id) => {
      const [short, long] = [id, { id }].map((type) => parseValid(withInput({ type })).inputs[0]?.type)

      expect(short).toEqual(long)
    },
  )

  it('connects matching arrays in both directions and through several arrays', () => {
    const array = (...matching: string[]) => ({
      description: '',
      type: { id: 'array', subtype: 'integer' },
      dependencies: { matching },
    })

    const { matchingGroups } = parseValid(
      aRawDescriptor({
        inputs: {
          a: array(),
          b: array('outputs/a', 'inputs/b'),
          c: array('outputs/d'),
          lone: array('inputs/lone'),
        },
        outputs: { a: array('inputs/a'), d: array(), e: array('inputs/c') },
      }),
    )

    expect(matchingGroups).toEqual([
      ['inputs/a', 'inputs/b', 'outputs/a'],
      ['inputs/c', 'outputs/d', 'outputs/e'],
    ])
  })

  it('may repeat values through aliases', () => {
    const text = `${FULL}  again: {description: "", type: &t {id: integer, gt: 1}}\n  more: {description: "", type: *t}\n`

    expect(parseValid(text).outputs.at(-1)?.type).toEqual({ id: 'integer', gt: 1 })
  })

  it.each([
    ['geometry', { type: 'Point' }],
    ['array', [1]],
    ['image', null],
    ['file', 'x'],
  ])('may have a default for a %s, which is ignored', (id, value) => {
    const type = id === 'array' ? { id, subtype: 'integer' } : id

    expect(parseValid(withInput({ type, default: value })).inputs[0]).not.toHaveProperty('default')
  })
})

describe('a descriptor with problems', () => {
  it('is refused with all problems, in the order of the text', () => {
    const paths = pathsOf(`
$schema: x
name: ab
version:
authors: []
configuration: {output_folder: outputs, resources: {cpus: 0, gpus: -1, ram: 4Gixyz}}
inputs:
  a: {description: A}
  b: {type: integr, description: B}
outputs:
  out.put: {type: boolean, description: O}
`)

    expect(paths).toEqual([
      'namespace',
      'name',
      'version',
      'authors',
      'configuration.output_folder',
      'configuration.resources.ram',
      'configuration.resources.cpus',
      'configuration.resources.gpus',
      'inputs.a.type',
      'inputs.b.type',
      'outputs["out.put"]',
    ])
  })

  it('is refused with path, expectation and position in each message', () => {
    const [problem] = problemsOf('$schema: x\nname: ab\n'.concat(yamlRest()))

    expect(problem).toEqual({
      path: 'name',
      message:
        'name must be a name of 3 to 30 letters, digits, spaces, "_" and "-", not "ab" (line 2, column 1)',
      line: 2,
      column: 1,
    })
  })

  it('is refused at the parent of a missing property', () => {
    const [problem] = problemsOf(`$schema: x\nname: abc\n${yamlRest('inputs:\n  a:\n    type: integer\n')}`)

    expect(problem).toMatchObject({ path: 'inputs.a.description', line: 8, column: 3 })
    expect(problem?.message).toMatch(/^inputs\.a\.description is missing: it must be a text \(line 8/u)
  })

  it.each([
    ['version', { version: 1.0 }],
    ['version', { version: null }],
    ['version', { version: '01.2.3' }],
    ['namespace', { namespace: 'com.with space' }],
    ['namespace', { namespace: 'com' }],
    ['name', { name: 'Add & go!' }],
    ['name', { name: 'x'.repeat(31) }],
    ['description', { description: 'x'.repeat(2049) }],
    ['description', { description: null }],
    ['$schema', { $schema: undefined }],
    ['authors[0].organization', { authors: [{ first_name: 'a', last_name: 'b', email: 'c' }] }],
    ['external.doi', { external: { doi: 'x' } }],
    ['configuration', { configuration: undefined }],
    ['configuration.image', { configuration: { image: ['image.tar'] } }],
    ['configuration.input_folder', { configuration: { input_folder: '/proc/1' } }],
    ['configuration.output_folder', { configuration: { input_folder: '/outputs/in' } }],
    ['configuration.resources.cpus', { configuration: { resources: { cpus: 1.5 } } }],
    ['configuration.resources.ram', { configuration: { resources: { ram: 1024 } } }],
    ['inputs', { inputs: ['a'] }],
    ['outputs', { outputs: undefined }],
    ['inputs.a', { inputs: { a: 'integer' } }],
    ['inputs.constructor', { inputs: { constructor: { type: 'integer', description: '' } } }],
  ])('is refused at %s: %j', (path, changes) => {
    expect(pathsOf(aRawDescriptor(changes))).toEqual([path])
  })

  it.each([
    ['inputs.a.type', 'Integer'],
    ['inputs.a.type', null],
    ['inputs.a.type', {}],
    ['inputs.a.type', ['integer']],
    ['inputs.a.type.id', { id: 'float' }],
    ['inputs.a.type.values', 'enumeration'],
    ['inputs.a.type.values', { id: 'enumeration', values: [] }],
    ['inputs.a.type.values[1]', { id: 'enumeration', values: ['a', ''] }],
    ['inputs.a.type.values[0]', { id: 'enumeration', values: ['a\nb'] }],
    ['inputs.a.type.values[0]', { id: 'enumeration', values: ['é'.repeat(257)] }],
    ['inputs.a.type.subtype', 'array'],
    [
      'inputs.a.type.subtype.subtype.gt',
      { id: 'array', subtype: { id: 'array', subtype: { id: 'integer', gt: 0.5 } } },
    ],
    ['inputs.a.type.allow_missing', { id: 'array', subtype: 'file', allow_missing: 'maybe' }],
    ['inputs.a.type.leq', { id: 'number', leq: 'ten' }],
    ['inputs.a.type.gt', { id: 'number', gt: null }],
    ['inputs.a.type.nan_allowed', { id: 'number', nan_allowed: 'never' }],
    ['inputs.a.type.before', { id: 'datetime', before: '2021-03-04' }],
    ['inputs.a.type.formats', { id: 'image', formats: [] }],
    ['inputs.a.type.formats[0]', { id: 'image', formats: ['gif'] }],
    ['inputs.a.type.max_width', { id: 'image', max_width: 1.5 }],
    ['inputs.a.type.formats[0]', { id: 'file', formats: ['pdf'] }],
    ['inputs.a.type.max_file_size', { id: 'file', max_file_size: '1.5.5GB' }],
  ])('has one problem at %s for the type %j', (path, type) => {
    expect(pathsOf(withInput({ type }))).toEqual([path])
  })

  it.each([
    ['boolean', 'true'],
    ['boolean', null],
    ['integer', '5'],
    ['integer', 2 ** 53],
    [{ id: 'integer', gt: 5, lt: 9 }, 9],
    [{ id: 'number', leq: 1 }, 1.1],
    ['number', 'nan'],
    [{ id: 'string', max_length: 2 }, 'abc'],
    ['string', 5],
    [{ id: 'enumeration', values: ['a', 'b'] }, 'A'],
    ['datetime', '2024-02-30T00:00:00Z'],
    [{ id: 'datetime', after: '2024-01-01T00:00:00Z' }, '2023-12-31T23:59:59Z'],
  ])('is refused when an input of type %j has the default %j', (type, value) => {
    expect(pathsOf(withInput({ type, default: value }))).toEqual(['inputs.a.default'])
  })

  it('is refused when its dependencies do not exist', () => {
    const array = { id: 'array', subtype: 'integer' }
    const paths = pathsOf(
      aRawDescriptor({
        inputs: {
          a: { description: '', type: array, dependencies: { matching: ['inputs/b', 'inputs/c', 'a'] } },
          b: { description: '', type: 'integer', dependencies: { matching: ['inputs/a'] } },
        },
        outputs: {
          o: { description: '', type: 'integer', dependencies: { derived_from: 'outputs/o' } },
          p: { description: '', type: 'integer', dependencies: { derived_from: 'inputs/zzz' } },
          q: { description: '', type: 'integer', dependencies: { derived_from: ['inputs/a'] } },
        },
      }),
    )

    expect(paths).toEqual([
      'inputs.a.dependencies.matching[0]',
      'inputs.a.dependencies.matching[1]',
      'inputs.a.dependencies.matching[2]',
      'inputs.b.dependencies.matching',
      'outputs.o.dependencies.derived_from',
      'outputs.p.dependencies.derived_from',
      'outputs.q.dependencies.derived_from',
    ])
  })

  it('is refused for repeated keys', () => {
    const text = `${FULL}  kind: {description: "", type: string}\nname: Again\n`

    expect(problemsOf(text).map(({ path, line }) => [path, line])).toEqual([
      ['outputs.kind', 36],
      ['name', 37],
    ])
  })

  it('is refused with at most 100 problems', () => {
    const inputs = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`p${index}`, 5]))

    const problems = problemsOf(aRawDescriptor({ inputs }))

    expect(problems).toHaveLength(101)
    expect(problems.at(-1)?.message).toBe('the descriptor has 50 more problems')
  })

  it('is refused when its item is too large to be stored', () => {
    const values = Array.from({ length: 500 }, (_, index) => `value ${index}`)
    // The same type in each parameter: written once, and repeated through aliases.
    const type = { id: 'enumeration', values }
    const parameters = Array.from({ length: 90 }, (_, index) => [`p${index}`, { type, description: '' }])

    const text = stringify(aRawDescriptor({ inputs: Object.fromEntries(parameters) }))

    expect(problemsOf(text)[0]?.message).toContain('350000')
  })

  it('is reported as a batch error of the contract', () => {
    const error = descriptorError(problemsOf(aRawDescriptor({ version: null })))

    expect(error.status).toBe(400)
    expect(error.body).toEqual({
      errorCode: 'APPE-internal-bundle-schema-validation-error',
      message: 'Schema validation failed for the descriptor file',
      details: {
        type: 'batch',
        errors: [
          {
            errorCode: 'APPE-internal-bundle-io-schema-validation-error',
            message: expect.stringMatching(
              /^version must be a semantic version .* not null \(line 4, column 1\)$/u,
            ),
            details: { type: 'parameter', parameterName: 'version' },
          },
        ],
      },
    })
  })
})

describe('a text that is not a descriptor', () => {
  it.each([
    ['is not YAML', 'name: [unclosed\n  - : : {\n'],
    ['has a mapping as a key', '? {a: 1}\n: 2\n'],
    ['uses an anchor that is missing', 'a: *nowhere'],
    ['contains itself', 'type: &t {id: array, subtype: *t}'],
    ['multiplies its aliases', aliasBomb()],
    ['is nested without an end', '['.repeat(50_000)],
    ['is nested deeply', `${'{a: '.repeat(70)}1${'}'.repeat(70)}`],
    ['is longer than any descriptor', `# ${'x'.repeat(64 * 1024)}`],
  ])('is refused as unreadable when it %s', (_reason, text) => {
    expect(() => parse(text)).toThrowError(
      expect.objectContaining({ name: 'DomainError', error: 'INTERNAL_DESCRIPTOR_EXTRACTION_FAILED' }),
    )
  })

  it('is refused with the position of the first syntax error', () => {
    let thrown: unknown
    try {
      parse('a: 1\nb: "open\n')
    } catch (error) {
      thrown = error
    }

    expect(thrown).toBeInstanceOf(DomainError)
    expect(thrown).toMatchObject({
      details: {
        type: 'related',
        parameterName: 'descriptor',
        description: expect.stringMatching(/\(line \d, column \d+\)$/u),
      },
    })
  })

  it.each([
    ['a: 1\nb: *nowhere\n', 'the alias *nowhere has no anchor &nowhere before it', 'line 2, column 4'],
    [aliasBomb(), 'its aliases repeat too many values', 'line \\d+, column \\d+'],
    ['type: &t {id: array, subtype: *t}', 'it nests more than 64 levels deep', 'line 1, column 31'],
    [`${'{a: '.repeat(70)}1${'}'.repeat(70)}`, 'it nests more than 64 levels deep', 'line 1, column \\d+'],
    [`${'['.repeat(9000)}${']'.repeat(9000)}`, 'it nests .*deep', 'line 1, column \\d+'],
    ['version: {{ version }}\n', 'keys must be strings.*in quotes', 'line 1, column 11'],
  ])('is refused with the position of the first part that cannot be read: %s', (text, words, position) => {
    const escaped = words.replaceAll('*nowhere', '\\*nowhere')
    expect(() => parse(text)).toThrowError(
      expect.objectContaining({
        details: expect.objectContaining({
          description: expect.stringMatching(new RegExp(`${escaped}.* \\(${position}\\)$`, 'u')),
        }),
      }),
    )
  })

  it('is refused at its beginning when a key of the descriptor is missing', () => {
    const [problem] = problemsOf(`# task\n${stringify(aRawDescriptor({ name: undefined }))}`)

    expect(problem).toMatchObject({ path: 'name', line: 2, column: 1 })
  })

  it('is refused for a merge key in place of a parameter', () => {
    expect(problemsOf(aRawDescriptor({ inputs: { '<<': { a: {} } } }))).toMatchObject([
      { path: 'inputs["<<"]', message: expect.stringContaining('YAML 1.2 has no merge keys') },
    ])
  })

  it.each(['', '# nothing', 'text', '[]'])(
    'is refused with a problem when it is not a mapping: %j',
    (text) => {
      expect(pathsOf(text)).toEqual(['the descriptor'])
    },
  )
})

describe('names in a descriptor', () => {
  it.each(['1.0.0', '0.1.0-rc.1+b.2', '1.2.3----R-S.12.9.1--.12+meta'])('include %s as a version', (text) => {
    expect(isSemver(text)).toBe(true)
  })

  it.each(['1.0', 'v1.0.0', '1.0.0-01', '1.0.0\n', `1.0.0-${'a'.repeat(250)}`])(
    'do not include %j as a version',
    (text) => {
      expect(isSemver(text)).toBe(false)
    },
  )

  it.each(['com.example', '.a', 'a.b-c_D.1'])('include %s as a namespace', (text) => {
    expect(isNamespace(text)).toBe(true)
  })

  it.each(['com', 'com.', 'a-b.c', 'a..b', `a.${'b'.repeat(254)}`])(
    'do not include %s as a namespace',
    (text) => {
      expect(isNamespace(text)).toBe(false)
    },
  )
})

/** The required keys except $schema and name, from line 3 on. */
function yamlRest(inputs = 'inputs: {}\n'): string {
  return `namespace: a.b
version: 1.0.0
authors: [{first_name: a, last_name: b, organization: c, email: d}]
configuration: {}
${inputs}outputs: {}
`
}

function aliasBomb(): string {
  const levels = Array.from({ length: 6 }, (_, level) => {
    const previous = level === 0 ? 'x' : `*l${level - 1}`
    return `k${level}: &l${level} [${Array(9).fill(previous).join(', ')}]`
  })
  return levels.join('\n')
}
