import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { openZip, readZipEntry } from '../../../../src/archive/zip/read-zip.ts'
import { bufferSource } from '../../../../src/shared/byte-source.ts'
import { taskJsonSchema } from '../../../../src/task/descriptor/json-schema.ts'
import { aRawDescriptor, problemsOf, withInput } from './descriptor-builder.ts'

const COMMITTED = readFileSync('docs/task.schema.json', 'utf8')
const validate = new Ajv({ strict: false, allErrors: true, formats: { 'date-time': true } }).compile(
  JSON.parse(COMMITTED),
)
/** Folder with reference bundles, which are not in the repository. CI sets it. */
const SHARED = process.env.SHARED_DIR

const withType = (type: unknown, more: object = {}) => withInput({ type, ...more })

const TYPES: readonly unknown[] = [
  ...['boolean', 'integer', 'number', 'string', 'datetime', 'geometry', 'image', 'file'],
  { id: 'integer', gt: 0, lt: 300.0 },
  { id: 'number', geq: 0.5, leq: 1, nan_allowed: true, infinity_allowed: false },
  { id: 'string', min_length: 1, max_length: 5 },
  { id: 'enumeration', values: ['a', 'b'] },
  { id: 'datetime', after: '2020-01-01T00:00:00Z', before: '2030-01-01T00:00:00Z' },
  { id: 'image', formats: ['png', 'wsidicom'], max_file_size: '1.5 GiB', max_width: 9, max_height: 9 },
  { id: 'file', formats: ['text'], max_file_size: '10MB' },
  { id: 'array', min_size: 1, max_size: 3, allow_missing: true, subtype: 'integer' },
  { id: 'array', subtype: { id: 'array', subtype: { id: 'integer', geq: 1 } } },
]

describe('the JSON schema of descriptors', () => {
  it('is the output of npm run task-schema', () => {
    expect(COMMITTED).toBe(taskJsonSchema())
  })

  it.each(globSync(['examples/**/descriptor.yml', 'test/fixtures/*/descriptor.yml']))(
    'accepts %s',
    (file) => {
      validate(parseYaml(readFileSync(file, 'utf8')))

      expect(validate.errors ?? []).toEqual([])
    },
  )

  it.each(TYPES)('accepts %j like the service', (type) => {
    validate(withType(type))

    expect(validate.errors ?? []).toEqual([])
    expect(problemsOf(withType(type))).toEqual([])
  })

  it.each([
    ['boolean', true],
    ['integer', 5],
    ['number', 0.5],
    ['string', 'x'],
    ['datetime', '2024-02-23T18:00:00Z'],
    [{ id: 'enumeration', values: ['x'] }, 'x'],
  ])('accepts the default of an input of type %j', (type, value) => {
    validate(withType(type, { default: value }))

    expect(validate.errors ?? []).toEqual([])
  })

  it('accepts every key of a descriptor', () => {
    const descriptor = aRawDescriptor({
      description: 'text',
      external: { source_code: 'https://example.org', doi: ['10.1/1'] },
      'x-own': { anything: 1 },
      configuration: {
        input_folder: '/in',
        output_folder: '/out',
        image: '/image.tar',
        resources: { ram: '2Gi', cpus: 2, gpus: 1, internet: false },
      },
      inputs: {
        a: { type: 'image', description: '', display_name: 'A', optional: true },
        b: { type: { id: 'integer', gt: 0 }, description: '', default: 5 },
      },
      outputs: { a: { type: 'geometry', description: '', dependencies: { derived_from: 'inputs/a' } } },
    })

    validate(descriptor)

    expect(validate.errors ?? []).toEqual([])
  })

  it.each([
    ['an unknown constraint', withType({ id: 'integer', gte: 1 })],
    ['a misspelt key of a parameter', withType('integer', { optionnal: true })],
    ['memory in place of ram', aRawDescriptor({ configuration: { resources: { memory: '4Gi' } } })],
    ['a constraint beside the type', withType('integer', { gt: 1 })],
    ['an amount of memory without unit', aRawDescriptor({ configuration: { resources: { ram: '4 gigs' } } })],
    ['a bound of another kind', withType({ id: 'integer', gt: 0.5 })],
    ['a default of another type', withType('integer', { default: 'x' })],
    ['a default of a type without defaults', withType('image', { default: 'x' })],
    ['an enumeration without values', withType('enumeration')],
    ['an array without subtype', withType({ id: 'array' })],
    ['an unknown type', withType('float')],
    ['a name of two characters', aRawDescriptor({ name: 'ab' })],
    ['a version of two numbers', aRawDescriptor({ version: '1.0' })],
    ['a namespace without dot', aRawDescriptor({ namespace: 'example' })],
    [
      'a parameter named with a dash',
      aRawDescriptor({ inputs: { 'a-b': { type: 'integer', description: '' } } }),
    ],
    ['a parameter without description', aRawDescriptor({ inputs: { a: { type: 'integer' } } })],
  ])('refuses %s', (_, descriptor) => {
    expect(validate(descriptor)).toBe(false)
  })
})

describe.skipIf(SHARED === undefined)('on the reference documents, the JSON schema', () => {
  const folder = join(SHARED ?? '', 'bundles')
  const bundles = SHARED === undefined ? [] : readdirSync(folder).filter((name) => name.endsWith('.zip'))
  const official = (): ReturnType<Ajv2019['compile']> => {
    const schema = JSON.parse(readFileSync(join(SHARED ?? '', 'reference/task.v0.json'), 'utf8'))
    return new Ajv2019({ strict: false, validateFormats: false }).compile(schema)
  }

  it.each(bundles)('accepts or refuses %s like the official schema and the service', async (name) => {
    const zip = await openZip(bufferSource(readFileSync(join(folder, name))))
    const entry = zip.entries.find((one) => one.name === 'descriptor.yml')
    if (entry === undefined) throw new Error('there is no descriptor')
    const text = (await readZipEntry(zip, entry, 1_000_000)).toString()
    const document: unknown = parseYaml(text)

    const isValid = validate(document)

    expect(isValid, JSON.stringify(validate.errors)).toBe(problemsOf(text).length === 0)
    expect(isValid).toBe(official()(document))
  })
})
