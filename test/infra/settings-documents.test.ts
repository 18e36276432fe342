import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { settingsJsonSchema, withSettingsTable } from '../../lib/settings/documents.ts'
import { pairwise } from '../fixtures/stage-choices.ts'

const read = (file: string) => readFileSync(new URL(`../../docs/${file}`, import.meta.url), 'utf8')

/** Paths of the settings that have no description in the schema. */
function undescribed(schema: object, path: string): string[] {
  return Object.entries(schema).flatMap(([key, value]): string[] => {
    if (key === 'properties')
      return Object.entries(value as Record<string, object>).flatMap(([name, property]) =>
        isLeaf(property) && !('description' in property)
          ? [`${path}.${name}`]
          : undescribed(property, `${path}.${name}`),
      )
    return typeof value === 'object' && value !== null ? undescribed(value, path) : []
  })
}

const isLeaf = (schema: object) => !('properties' in schema || 'oneOf' in schema || 'anyOf' in schema)

describe('documents of the settings', () => {
  it('have the JSON schema that npm run settings writes', () => {
    expect(read('settings.schema.json')).toBe(settingsJsonSchema())
  })

  it('have the table that npm run settings writes', () => {
    const document = read('deployment.md')

    expect(withSettingsTable(document)).toBe(document)
  })

  it('describe every setting', () => {
    expect(undescribed(JSON.parse(settingsJsonSchema()), '')).toEqual([])
  })
})

describe('the JSON schema of settings', () => {
  const validate = new Ajv({ formats: { email: true, cidrv4: true }, strict: false }).compile(
    JSON.parse(settingsJsonSchema()),
  )

  it.each(pairwise())('accepts the stage %s', (_, settings) => {
    expect(validate(settings), JSON.stringify(validate.errors)).toBe(true)
  })

  it.each([
    ['without a name', {}],
    ['with a setting that does not exist', { name: 'x', cidr: '10.0.0.0/16' }],
    ['with an open API', { name: 'x', access: { mode: 'open' } }],
    ['with a retention that CloudWatch does not offer', { name: 'x', logRetentionDays: 42 }],
  ])('refuses settings %s', (_, settings) => {
    expect(validate(settings)).toBe(false)
  })
})
