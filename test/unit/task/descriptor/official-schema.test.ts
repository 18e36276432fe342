import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2019, type ValidateFunction } from 'ajv/dist/2019.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseMemoryAmount } from '../../../../src/task/descriptor/memory-amount.ts'
import type { DescriptorProblem } from '../../../../src/task/descriptor/parse-task-descriptor.ts'
import { aRawDescriptor, problemsOf } from './descriptor-builder.ts'

const sharedFolder = process.env.SHARED_DIR
if (sharedFolder === undefined) {
  console.info(
    'skipped: comparison with the official schema; set SHARED_DIR to the folder with reference/task.v0.json',
  )
}

/** Problems of descriptors that the official schema accepts. Memory amounts are not listed: they are rewritten before the comparison. */
const STRICTER: readonly { readonly path: RegExp; readonly message: RegExp; readonly reason: string }[] = [
  {
    path: /^configuration\.(?:in|out)put_folder$/u,
    message: /must be (?:an absolute folder .*not "\/|apart)/u,
    reason: 'the folder is mounted, so it may not hide the image or the other folder',
  },
  {
    path: /^configuration\.image(?:\.file)?$/u,
    message: /must be/u,
    reason: 'the schema does not know the image, the contract does (descriptor 3.1)',
  },
  {
    path: /^configuration\.resources\.(?:cpus|gpus)$/u,
    message: /not the number -?[\de+]+ \(/u,
    reason: 'no machine has less than one CPU or less than no GPU (descriptor 3.1)',
  },
  {
    path: /^(?:in|out)puts\.(?:constructor|toString|__proto__)$/u,
    message: /must have a name/u,
    reason: 'values are kept by name in plain objects',
  },
  {
    path: /^(?:in|out)puts\.n{248,}$/u,
    message: /must have a name/u,
    reason: 'the name is that of a file in the container, and of its companion',
  },
  {
    path: /^(?:namespace|version)$/u,
    message: /at most 255 characters\), not "[^"]{60,}…"/u,
    reason: 'the columns of the reference end at 255 characters, and so do names in registries',
  },
  {
    path: /^(?:in|out)puts\.\w+\.dependencies(?:\.(?:derived_from|matching)(?:\[\d+\])?)?$/u,
    message: /must/u,
    reason: 'the rules for dependencies are dead in the schema (descriptor 2 and 6)',
  },
  {
    path: /^inputs\.\w+\.default$/u,
    message: /must be a value that the parameter accepts/u,
    reason: 'a default is used as a value (descriptor 7, no. 18 and 19)',
  },
  {
    path: /\.(?:before|after)$/u,
    message: /must be a date-time with zone .*not "/u,
    reason: 'the schema only annotates the format of date-times',
  },
  {
    path: /\.allow_missing$/u,
    message: /must be true or false/u,
    reason: 'the schema does not know it, the contract does (descriptor 5)',
  },
]

/** A descriptor with every type in both forms, every constraint and every optional key, which the mutations change. */
const BASE = aRawDescriptor({
  description: 'text',
  external: { source_code: 'https://example.org', doi: ['https://doi.org/10.1/1'] },
  configuration: {
    input_folder: '/inputs',
    output_folder: '/outputs',
    image: { file: '/image.tar' },
    resources: { ram: '2Gi', cpus: 2, gpus: 1, internet: false },
  },
  inputs: {
    flag: { type: 'boolean', description: '', default: true, display_name: 'Flag' },
    count: { type: { id: 'integer', gt: 0, lt: 9 }, description: '', default: 5, optional: true },
    ratio: {
      type: { id: 'number', geq: 0, leq: 1.5, nan_allowed: true, infinity_allowed: false },
      description: '',
      default: 1,
    },
    label: { type: { id: 'string', min_length: 1, max_length: 5 }, description: '', default: 'abc' },
    choice: { type: { id: 'enumeration', values: ['a', 'b'] }, description: '', default: 'a' },
    moment: {
      type: { id: 'datetime', after: '2020-01-01T00:00:00Z', before: '2030-01-01T00:00:00Z' },
      description: '',
      default: '2024-01-01T00:00:00Z',
    },
    picture: {
      type: { id: 'image', formats: ['png'], max_file_size: '1Mi', max_width: 9, max_height: 9 },
      description: '',
    },
    items: {
      type: {
        id: 'array',
        min_size: 0,
        max_size: 3,
        subtype: { id: 'array', subtype: { id: 'integer', geq: 1 } },
      },
      description: '',
      dependencies: { matching: ['outputs/items'] },
    },
  },
  outputs: {
    items: {
      type: { id: 'array', subtype: 'geometry', allow_missing: true },
      description: '',
      dependencies: { derived_from: 'inputs/picture' },
    },
    model: { type: { id: 'file', formats: ['text'], max_file_size: '1k' }, description: '', optional: false },
    shape: { type: 'geometry', description: '' },
  },
})

const VALUES: readonly unknown[] = [
  ...[`com.${'x'.repeat(300)}`, `1.0.0-${'x'.repeat(300)}`, 300.0, '300', [{}], [['a']], 'NaN'],
  ...[
    null,
    true,
    false,
    0,
    1,
    -1,
    1.5,
    300,
    1e300,
    [],
    {},
    ['a'],
    [1],
    [null],
    '',
    'a',
    'abc',
    'x'.repeat(31),
    'a\nb',
  ],
  ...[
    'x'.repeat(2049),
    '/a',
    '/proc',
    'a/b',
    '1.0',
    '1.0.0',
    '01.0.0',
    'com.example',
    '.a',
    'with space',
    'Ünï',
  ],
  ...[
    '4Gi',
    '4Gixyz',
    '1024',
    '25KB',
    '1.5.5GB',
    '2024-01-01T00:00:00Z',
    '2024-01-01',
    'inputs/items',
    'png',
    'text',
  ],
  ...[
    'boolean',
    'integer',
    'number',
    'string',
    'enumeration',
    'datetime',
    'geometry',
    'image',
    'file',
    'array',
    'float',
  ],
  ...[
    { id: 'integer' },
    { id: 'array', subtype: 'string' },
    { id: 'array' },
    { id: 'enumeration', values: ['é'.repeat(256)] },
  ],
  ...[
    { id: 'enumeration', values: ['😀'.repeat(256)] },
    { type: 'string', description: '' },
    { id: 'string', gt: 'ignored' },
  ],
]
const KEYS = [
  ...[
    'id',
    'type',
    'subtype',
    'values',
    'default',
    'optional',
    'display_name',
    'description',
    'gt',
    'min_length',
    'formats',
  ],
  ...[
    'max_file_size',
    'max_size',
    'before',
    'allow_missing',
    'dependencies',
    'matching',
    'is_contact',
    'ram',
    'cpus',
    'doi',
  ],
  ...['007', 'a-b', 'a.b', '', 'constructor', '$schema', 'name_short', 'n'.repeat(248)],
]

const NAMES = ['one', 'two', 'three', 'four'] as const
const REFERENCES = [
  ...NAMES.flatMap((name) => [`inputs/${name}`, `outputs/${name}`]),
  'inputs/nothing',
  'one',
]
const anyValue = fc.constantFrom(...VALUES)

/** Values of the expected kind, and sometimes other values. */
function mostly(due: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 12, arbitrary: due }, { weight: 1, arbitrary: anyValue })
}

function mappingOf(
  keys: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  requiredKeys: readonly string[] = [],
) {
  const due = Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, mostly(value)]))
  return fc.record(due, { requiredKeys: [...requiredKeys] })
}

const integers = fc.integer({ min: -5, max: 5 })
const numbers = fc.oneof(integers, fc.double({ min: -5, max: 5, noNaN: true }))
const sizes = fc.constantFrom('1Gi', '25KB', '1024', '0B', '1.5 MB', '4Gixyz')
const moments = fc.constantFrom('2024-01-01T00:00:00Z', '2025-01-01T00:00:00+01:00', '2024-01-01')
const formatsOf = (...formats: readonly string[]) =>
  fc.array(fc.constantFrom(...formats), { minLength: 0, maxLength: 3 })
const bounds = (value: fc.Arbitrary<unknown>) => ({ gt: value, geq: value, lt: value, leq: value })

/** Every type with every constraint, and in its short form if it has one. */
const { type: anyType } = fc.letrec<{ type: unknown }>((tie) => {
  const long = (
    id: string,
    constraints: Readonly<Record<string, fc.Arbitrary<unknown>>>,
    required: readonly string[] = [],
  ) => mappingOf({ id: fc.constant(id), ...constraints }, ['id', ...required])
  return {
    type: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(
        'boolean',
        'integer',
        'number',
        'string',
        'datetime',
        'geometry',
        'image',
        'file',
        'array',
      ),
      long('boolean', {}),
      long('integer', bounds(integers)),
      long('number', { ...bounds(numbers), nan_allowed: fc.boolean(), infinity_allowed: fc.boolean() }),
      long('string', { min_length: integers, max_length: integers }),
      long('enumeration', { values: fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 3 }) }, [
        'values',
      ]),
      long('datetime', { before: moments, after: moments }),
      long('geometry', {}),
      long('image', {
        formats: formatsOf('dicom', 'jpeg', 'png', 'tiff', 'wsidicom', 'gif'),
        max_file_size: sizes,
        max_width: integers,
        max_height: integers,
      }),
      long('file', { formats: formatsOf('text', 'binary', 'pdf'), max_file_size: sizes }),
      long(
        'array',
        { min_size: integers, max_size: integers, allow_missing: fc.boolean(), subtype: tie('type') },
        ['subtype'],
      ),
    ),
  }
})
const anyParameter = mappingOf(
  {
    type: anyType,
    description: fc.constant('text'),
    display_name: fc.constantFrom('Name', ''),
    optional: fc.boolean(),
    default: fc.oneof(integers, numbers, fc.boolean(), fc.constantFrom('a', 'text', '2024-01-01T00:00:00Z')),
    dependencies: mappingOf({
      derived_from: fc.constantFrom(...REFERENCES),
      matching: fc.array(fc.constantFrom(...REFERENCES), { maxLength: 2 }),
    }),
  },
  ['type', 'description'],
)
const anyParameters = fc.dictionary(fc.constantFrom(...NAMES), anyParameter, { maxKeys: 3 })

interface Mutation {
  /** Number that picks the key to change: modulo the number of all keys. */
  readonly place: number
  readonly kind: 'replace' | 'remove' | 'add'
  readonly key: string
  readonly value: unknown
}

const mutations = fc.array(
  fc.record<Mutation>({
    place: fc.nat(),
    kind: fc.constantFrom('replace', 'replace', 'remove', 'add'),
    key: fc.constantFrom(...KEYS),
    value: fc.constantFrom(...VALUES),
  }),
  { minLength: 1, maxLength: 3 },
)

type Container = Record<string, unknown> | unknown[]

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null
}

/** Every mapping and list of the tree, with each of its keys. */
function placesOf(node: Container): { readonly container: Container; readonly key: string }[] {
  return Object.entries(node).flatMap(([key, value]) => [
    { container: node, key },
    ...(isContainer(value) ? placesOf(value) : []),
  ])
}

function mutate(descriptor: Container, { place, kind, key, value }: Mutation): void {
  const places = placesOf(descriptor)
  const chosen = places[place % places.length]
  if (chosen === undefined) return
  const { container } = chosen
  if (kind === 'remove' && !Array.isArray(container)) delete container[chosen.key]
  else if (kind === 'add' && !Array.isArray(container)) container[key] = structuredClone(value)
  else Object.assign(container, { [chosen.key]: structuredClone(value) })
}

/** The official schema requires a prefix and accepts any text after it. The grammar of the contract decides instead (descriptor 3.2). */
function withMemoryRewritten(descriptor: Container): Container {
  const copy = structuredClone(descriptor)
  for (const { container, key } of placesOf(copy)) {
    const value: unknown = Reflect.get(container, key)
    if ((key !== 'ram' && key !== 'max_file_size') || typeof value !== 'string') continue
    Object.assign(container, { [key]: parseMemoryAmount(value) === undefined ? 'no amount' : '1Gi' })
  }
  return copy
}

function isExplained({ path, message }: DescriptorProblem): boolean {
  return STRICTER.some((exception) => exception.path.test(path) && exception.message.test(message))
}

/** The schema uses keywords as property names, which only Ajv's lax mode accepts, and formats, which are not validated (descriptor 2). */
function compileOfficialSchema(folder: string): ValidateFunction {
  const schema: unknown = JSON.parse(readFileSync(join(folder, 'reference', 'task.v0.json'), 'utf8'))
  return new Ajv2019({ strict: false, validateFormats: false }).compile(Object(schema))
}

/** Mutations of a valid descriptor, and generated descriptors. */
const DESCRIPTORS: readonly (readonly [string, fc.Arbitrary<Container>])[] = [
  [
    'mutated descriptors',
    mutations.map((changes) => {
      const descriptor: Container = structuredClone(BASE)
      for (const change of changes) mutate(descriptor, change)
      return descriptor
    }),
  ],
  [
    'generated descriptors',
    fc
      .record({ inputs: anyParameters, outputs: anyParameters })
      .map((parameters) => structuredClone({ ...BASE, ...parameters })),
  ],
]

describe.runIf(sharedFolder)('the official schema', () => {
  it.each(DESCRIPTORS)(
    'agrees with the parser about %s, except for the listed differences',
    (_, descriptors) => {
      const accepts = compileOfficialSchema(sharedFolder ?? '')
      const seen = { accepted: 0, refused: 0, stricter: 0 }
      fc.assert(
        fc.property(descriptors, (descriptor) => {
          const isOfficial = accepts(withMemoryRewritten(descriptor))
          const problems = problemsOf(JSON.stringify(descriptor))

          if (!isOfficial) {
            seen.refused += 1
            expect(problems).not.toEqual([])
          } else {
            seen[problems.length === 0 ? 'accepted' : 'stricter'] += 1
            expect(problems.filter((problem) => !isExplained(problem))).toEqual([])
          }
        }),
        { numRuns: 3000, seed: 20_261_122 },
      )

      // The comparison is meaningless unless there are many descriptors of each kind.
      expect(Math.min(seen.accepted, seen.refused, seen.stricter)).toBeGreaterThan(100)
    },
    120_000,
  )
})
