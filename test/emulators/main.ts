/*
 * Runs the ports' contract suites on every emulator, and the integration tests on those that the stacks can be deployed to. Writes the
 * results to the table in docs/local.md:
 *
 *   npm run test:emulators
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import * as z from 'zod'
import { PROJECT, programPath } from '../../local/aws-environment.ts'
import { EMULATORS, type Emulator, type EmulatorName } from './emulators.ts'
import { STACK_SUITES } from './stack-suites.ts'

const DOCUMENT = join(PROJECT, 'docs', 'local.md')
const [BEGIN, END] = ['<!-- npm run test:emulators writes this -->', '<!-- until here -->']

/** Titles of the table's columns, by test file. */
const SERVICES = {
  's3-object-store': 'S3 objects',
  's3-part-store': 'S3 parts',
  'dynamo-repositories': 'DynamoDB',
  'sfn-run-workflow': 'Step Functions',
  'cloudwatch-log-store': 'Logs',
  'event-bus': 'EventBridge, SQS',
}
const STACK = 'runs on the whole stack'

/** The fields of vitest's report that are used here. */
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      assertionResults: z.array(
        z.object({ status: z.string(), meta: z.object({ knownFault: z.string().optional() }) }),
      ),
    }),
  ),
})

interface Count {
  passed: number
  total: number
}

const rows: string[] = []
for (const name of Object.keys(EMULATORS) as EmulatorName[]) rows.push(rowOf(name, await countTests(name)))
await writeTable(rows)
console.log(rows.join('\n'))

/** Runs the tests and counts them by file. A test that is known to fail counts as failed. */
async function countTests(name: EmulatorName): Promise<Map<string, Count>> {
  const folder = await mkdtemp(join(tmpdir(), 'emulators-'))
  const report = join(folder, 'report.json')
  const projects = ['--project', 'emulator', '--project', 'emulator-stack']
  const words = ['run', ...projects, '--reporter=default', '--reporter=json']
  const child = spawn('vitest', [...words, `--outputFile.json=${report}`], {
    cwd: PROJECT,
    env: { ...process.env, PATH: programPath(), EMULATOR: name },
    stdio: 'inherit',
  })
  await once(child, 'exit')
  const { testResults } = reportSchema.parse(JSON.parse(await readFile(report, 'utf8')))
  await rm(folder, { recursive: true })
  return new Map(
    testResults.map((file) => {
      const tests = file.assertionResults
      const passed = tests.filter(({ status, meta }) => status === 'passed' && meta.knownFault === undefined)
      return [basename(file.name, '.test.ts'), { passed: passed.length, total: tests.length }]
    }),
  )
}

function rowOf(name: EmulatorName, counts: ReadonlyMap<string, Count>): string {
  const { title, version }: Emulator = EMULATORS[name]
  const groups: readonly (readonly string[])[] = [
    ...Object.keys(SERVICES).map((suite) => [suite]),
    STACK_SUITES,
  ]
  const cells = groups.map((suites) => {
    const known = suites.flatMap((suite) => counts.get(suite) ?? [])
    const [passed, total] = [known.map((count) => count.passed), known.map((count) => count.total)].map(sum)
    return known.length === 0 ? '–' : `${passed} of ${total}`
  })
  return `| ${[`${title} ${version}`, ...cells].join(' | ')} |`
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

async function writeTable(lines: readonly string[]): Promise<void> {
  const columns = ['tests passed', ...Object.values(SERVICES), STACK]
  const table = [
    `On ${new Date().toISOString().slice(0, 10)}:`,
    '',
    `| ${columns.join(' | ')} |`,
    `|${' --- |'.repeat(columns.length)}`,
    ...lines,
  ]
  const [before, rest] = splitOnce(await readFile(DOCUMENT, 'utf8'), BEGIN)
  const [, after] = splitOnce(rest, END)
  await writeFile(DOCUMENT, `${before}${BEGIN}\n${table.join('\n')}\n${END}${after}`)
}

/** @throws Error when the document lacks the markers */
function splitOnce(text: string, mark: string): readonly [string, string] {
  const start = text.indexOf(mark)
  if (start < 0) throw new Error(`${DOCUMENT} has no line "${mark}"`)
  return [text.slice(0, start), text.slice(start + mark.length)]
}
