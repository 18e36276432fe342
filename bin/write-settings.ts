import { readFileSync, writeFileSync } from 'node:fs'
import { settingsJsonSchema, withSettingsTable } from '../lib/settings/documents.ts'

/** Writes the documents that are generated from the settings' schema: `npm run settings`. */
const schemaFile = new URL('../docs/settings.schema.json', import.meta.url)
const tableFile = new URL('../docs/deployment.md', import.meta.url)

writeFileSync(schemaFile, settingsJsonSchema())
writeFileSync(tableFile, withSettingsTable(readFileSync(tableFile, 'utf8')))
