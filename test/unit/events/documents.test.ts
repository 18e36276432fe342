import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { EVENT_TYPES } from '../../../src/events/event.ts'
import { eventJsonSchema } from '../../../src/events/json-schema.ts'

const read = (file: string): string => readFileSync(new URL(`../../../docs/${file}`, import.meta.url), 'utf8')

describe('the documents of events', () => {
  it('have the schema that npm run events-schema writes', () => {
    expect(read('events.schema.json')).toBe(eventJsonSchema())
  })

  it('describe every event type', () => {
    const document = read('events.md')

    expect(EVENT_TYPES.filter((type) => !document.includes(`\`${type}\``))).toEqual([])
  })
})
