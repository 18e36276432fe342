import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { DOCUMENTED_SET, simulationTable } from '../../../bench/simulation.ts'

it('fills the table of docs/scale.md', async () => {
  const document = await readFile('docs/scale.md', 'utf8')
  const [table = ''] = /^\| \| hours .*(?:\n\|.*)+/mu.exec(document) ?? []

  expect(table.split('\n')).toEqual(simulationTable(DOCUMENTED_SET))
})

it('is delayed by the limit that is least', () => {
  const table = simulationTable({ ...DOCUMENTED_SET, runs: 1000, concurrency: 10, runVcpus: 1 })

  expect(table.filter((row) => /vCPUs 99 %/u.test(row))).toEqual([
    expect.stringContaining('a new account: 6 vCPUs'),
  ])
  expect(table.filter((row) => /concurrency of the set 99 %/u.test(row))).toHaveLength(3)
})
