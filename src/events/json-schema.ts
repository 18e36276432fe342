import * as z from 'zod'
import { eventSchema } from './event.ts'

/** JSON schema of event documents, as text. Version 7 is the newest that most validators support. */
export function eventJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(eventSchema, { target: 'draft-7', io: 'input' }), null, 2)}\n`
}
