import { writeFileSync } from 'node:fs'
import { eventJsonSchema } from '../../src/events/json-schema.ts'

/** Writes the JSON schema of events: `npm run events-schema`. */
writeFileSync(new URL('../../docs/events.schema.json', import.meta.url), eventJsonSchema())
