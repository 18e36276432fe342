import { writeFileSync } from 'node:fs'
import { taskJsonSchema } from '../src/task/descriptor/json-schema.ts'

/** Writes the JSON schema of descriptors: `npm run task-schema`. */
writeFileSync(new URL('../docs/task.schema.json', import.meta.url), taskJsonSchema())
