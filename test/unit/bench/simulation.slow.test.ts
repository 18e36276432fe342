import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { DOCUMENTED_SET, peaksTable, simulationTable } from '../../../bench/simulation.ts'

it.each([
  ['of outcomes', simulationTable(DOCUMENTED_SET)],
  ['of peaks', peaksTable(DOCUMENTED_SET)],
])('fills the table %s of docs/scale.md', async (_, table) => {
  expect(await readFile('docs/scale.md', 'utf8')).toContain(`\n\n${table.join('\n')}\n\n`)
})

it('is delayed by the limit that is least', () => {
  const table = simulationTable({ ...DOCUMENTED_SET, runs: 1000, concurrency: 10, runVcpus: 1 })

  expect(table.filter((row) => /vCPUs 99 %/u.test(row))).toEqual([
    expect.stringContaining('a new account: 6 vCPUs'),
  ])
  expect(table.filter((row) => /concurrency of the set 99 %/u.test(row))).toHaveLength(3)
})

it('lets runs fail by the Lambda calls of a new account, and by log streams only after minutes of many launches', () => {
  const failing = simulationTable(DOCUMENTED_SET).map((row) => row.split(' | ').at(-1)?.replace(' |', ''))

  expect(failing.slice(2)).toEqual([
    'concurrent Lambda calls',
    'none',
    'none',
    'none',
    'log streams created',
    'log streams created',
  ])
})

it('needs more network interfaces than an account has for runs on 20 000 vCPUs', () => {
  const [row] = simulationTable(DOCUMENTED_SET).filter((one) => one.includes('no maximum of the set'))

  expect(row).toMatch(/network interfaces \d+ %/u)
})
