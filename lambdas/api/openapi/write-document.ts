/* Writes docs/openapi.yaml: `npm run openapi`. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openApiText } from './document.ts'

await writeFile(join(import.meta.dirname, '../../../docs/openapi.yaml'), openApiText())
