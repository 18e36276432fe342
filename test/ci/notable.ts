/**
 * The failed and skipped tests of a report, a line each, with the first line of why.
 *
 *   node test/ci/notable.ts STEP REPORT    REPORT is vitest's JSON or the conformance suite's
 */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

interface VitestReport {
  testResults: {
    name: string
    status: string
    message: string
    assertionResults: { fullName: string; status: string; failureMessages?: string[] }[]
  }[]
}
interface ConformanceReport {
  results: { id: string; status: string; reason: string }[]
}

const [step, file] = process.argv.slice(2)
if (step === undefined || file === undefined) throw new Error('usage: node test/ci/notable.ts STEP REPORT')
const report: VitestReport | ConformanceReport = JSON.parse(readFileSync(file, 'utf8'))

function line(outcome: string, name: string, why = ''): string {
  const reason = why.trim().split('\n')[0] ?? ''
  return `${outcome}: ${step}: ${name}${reason === '' ? '' : ` — ${reason.slice(0, 300)}`}`
}

function* linesOfVitest({ testResults }: VitestReport): Generator<string> {
  for (const { name: path, status, message, assertionResults } of testResults) {
    const name = relative('.', path)
    if (status === 'failed' && assertionResults.every((test) => test.status !== 'failed'))
      yield line('failed', name, message)
    for (const test of assertionResults) {
      if (test.status !== 'passed') {
        const outcome = test.status === 'failed' ? 'failed' : 'skipped'
        yield line(outcome, `${name}: ${test.fullName}`, test.failureMessages?.[0])
      }
    }
  }
}

function* linesOfConformance({ results }: ConformanceReport): Generator<string> {
  for (const { id, status, reason } of results) if (status !== 'passed') yield line(status, id, reason)
}

for (const text of 'testResults' in report ? linesOfVitest(report) : linesOfConformance(report))
  console.log(text)
