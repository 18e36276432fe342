/**
 * Prints a line for each failed or skipped test of a report, with the reason and its place in the test.
 *
 *   node test/ci/notable.ts STEP REPORT    REPORT is vitest's JSON or the conformance suite's
 */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

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

/** Maximum numbers of lines and characters of a reason. */
const MAX_LINES = 5
const MAX_CHARACTERS = 1000

const STACK_LINE = /^at (?:.+:\d+:\d+\)?|.*<anonymous>\))$/u

const [step, file] = process.argv.slice(2)
if (step === undefined || file === undefined) throw new Error('usage: node test/ci/notable.ts STEP REPORT')
const report: VitestReport | ConformanceReport = JSON.parse(readFileSync(file, 'utf8'))

function line(outcome: string, name: string, why = ''): string {
  const reason = reasonOf(why)
  return `${outcome}: ${step}: ${name}${reason === '' ? '' : ` — ${reason}`}`
}

/** The message, of which Playwright's has several lines, and the first line of the stack that is a test's. */
function reasonOf(why: string): string {
  const lines = stripVTControlCharacters(why)
    .split('\n')
    .map((text) => text.trim())
    .filter(Boolean)
  const message = lines.filter((text) => !STACK_LINE.test(text)).slice(0, MAX_LINES)
  const place = lines.find((text) => STACK_LINE.test(text) && text.includes('/test/'))
  const words = message.join(' ').slice(0, MAX_CHARACTERS)
  return place === undefined
    ? words
    : `${words} (${place.replace(/^.*\/test\//u, 'test/').replace(/\)$/u, '')})`
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
