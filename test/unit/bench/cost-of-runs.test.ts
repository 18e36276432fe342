import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { eventsTable, lazyLoadingTable, runSetTable } from '../../../bench/cost-of-runs.ts'

it.each([
  { document: 'docs/cost.md', name: 'run sets', table: runSetTable() },
  { document: 'docs/cost.md', name: 'events', table: eventsTable() },
  { document: 'docs/scale.md', name: 'lazy loading', table: lazyLoadingTable() },
])('fills the table of $name of $document', async ({ document, table }) => {
  expect(await readFile(document, 'utf8')).toContain(`\n\n${table.join('\n')}\n\n`)
})
