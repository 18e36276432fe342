/*
 * Simulates a run set on AWS with AWS's published limits, and prints which limits delay it:
 *
 *   npm run bench:simulate [-- --runs 10000 --minutes 5 --concurrency 1000 --run-vcpus 2]
 *
 * Without options it prints the tables of scenarios and of peaks of docs/scale.md. The model is in bench/simulation.ts.
 */
import { parseArgs } from 'node:util'
import { DOCUMENTED_SET, peaksTable, type SimulatedSet, simulationTable } from './simulation.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: String(DOCUMENTED_SET.runs) },
    minutes: { type: 'string', default: String(DOCUMENTED_SET.taskSeconds / 60) },
    concurrency: { type: 'string', default: String(DOCUMENTED_SET.concurrency) },
    'run-vcpus': { type: 'string', default: String(DOCUMENTED_SET.runVcpus) },
  },
})

/** @throws Error when an option is not a positive number */
function numberOf(name: keyof typeof values): number {
  const value = Number(values[name])
  if (!(value > 0)) throw new Error(`--${name} ${values[name]}: expected a number above 0`)
  return value
}

const set: SimulatedSet = {
  runs: numberOf('runs'),
  taskSeconds: numberOf('minutes') * 60,
  concurrency: numberOf('concurrency'),
  runVcpus: numberOf('run-vcpus'),
}
console.log([...simulationTable(set), '', ...peaksTable(set)].join('\n'))
