import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serialize } from 'node:v8'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KINDS, makeLargeLayers } from './cases.ts'
import type { FuzzMessage } from './worker.ts'

/*
 * Imports mutated bundles, 20 000 by default. Each must be refused with a message or imported correctly, and must not hang or crash the
 * importer or exceed its memory. FUZZ_SEED and FUZZ_CASES select other cases, or repeat a failed one.
 */

const FIRST_SEED = Number(process.env.FUZZ_SEED ?? 20_261_123)
const CASES = Number(process.env.FUZZ_CASES ?? 20_000)
/** Number of cases per process: enough for a memory leak to exceed the limit. */
const CASES_EACH = 2500
/** Concurrent processes: one for each core of a CI machine. */
const AT_ONCE = 2
/** Time limit of a case, which usually takes some milliseconds. */
const STALLED_MS = 30_000
/** Memory limit of a whole process, which also creates the cases. */
const MAX_PEAK_BYTES = 256 * 1024 ** 2
const MAX_FAILURES = 5

/** Results of one worker. */
interface Outcome {
  readonly failures: readonly string[]
  readonly end: Extract<FuzzMessage, { kind: 'end' }> | undefined
}

const outcomes: Outcome[] = []
let folder: string
let large: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuzz-'))
  large = join(folder, 'large-layers')
  await writeFile(large, serialize([await makeLargeLayers()]))
  console.info(
    `fuzz: ${CASES} cases, the first with seed ${FIRST_SEED}; FUZZ_SEED and FUZZ_CASES select others`,
  )
  const starts = Array.from({ length: Math.ceil(CASES / CASES_EACH) }, (_, index) => index * CASES_EACH)
  const work = async (): Promise<void> => {
    for (let start = starts.shift(); start !== undefined; start = starts.shift()) {
      const outcome = await runCases(FIRST_SEED + start, Math.min(CASES_EACH, CASES - start))
      outcomes.push(outcome)
      console.info(JSON.stringify(outcome.end))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Runs cases in a separate process, and kills it when a case exceeds its time limit. */
async function runCases(firstSeed: number, count: number): Promise<Outcome> {
  const child = fork(join(import.meta.dirname, 'worker.ts'), [String(firstSeed), String(count), large], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Without a limit, V8 would keep the garbage of thousands of cases. A process that needs a larger heap crashes.
    execArgv: ['--max-old-space-size=96', '--max-semi-space-size=8'],
  })
  const failures: string[] = []
  let end: Outcome['end']
  let seed = firstSeed
  let errors = ''
  const watchdog = setTimeout(() => child.kill('SIGKILL'), STALLED_MS)
  child.stderr?.on('data', (text) => {
    errors = `${errors}${text}`.slice(-4000)
  })
  child.on('message', (message: FuzzMessage) => {
    watchdog.refresh()
    if (message.kind === 'case') seed = message.seed
    else if (message.kind === 'end') end = message
    else failures.push(`seed ${message.seed}: ${message.words}`)
    if (failures.length >= MAX_FAILURES) child.kill()
  })
  const code = await exitOf(child)
  clearTimeout(watchdog)
  if (end === undefined && failures.length < MAX_FAILURES) {
    failures.push(`seed ${seed}: hung or crashed, exit ${code}; FUZZ_SEED=${seed} FUZZ_CASES=1\n${errors}`)
  }
  return { failures, end }
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(String(signal ?? code)))
  })
}

describe('a mutated bundle', () => {
  it('is refused with a message or imported correctly, and does not hang or crash the importer', () => {
    const failures = outcomes.flatMap((outcome) => outcome.failures)

    expect(failures).toEqual([])
  })

  it('needs less than 256 MB', () => {
    const peaks = outcomes.map(({ end }) => end?.peakBytes)

    for (const bytes of peaks) expect(bytes).toBeLessThan(MAX_PEAK_BYTES)
  })

  // A small number of cases may not include every kind.
  it.runIf(CASES >= 1000)(
    'of each kind is refused at least once, and more than 1 % of all are imported',
    () => {
      const kinds = new Set(outcomes.flatMap(({ end }) => Object.keys(end?.refused ?? {})))
      const installed = outcomes.reduce((sum, { end }) => sum + (end?.installed ?? 0), 0)

      expect([...kinds].sort()).toEqual([...KINDS].sort())
      expect(installed).toBeGreaterThan(CASES / 100)
    },
  )
})
