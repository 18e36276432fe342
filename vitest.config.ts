import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { EMULATORS, type Emulator, emulatorNamed } from './test/emulators/emulators.ts'

// The emulator that two of the projects run against.
const name = process.env.EMULATOR
const emulator: Emulator | undefined = name === undefined ? undefined : EMULATORS[emulatorNamed(name)]

/** One worker for each processor. Vitest's default is one less, which halves the speed of a machine with two processors. */
const WORKERS = availableParallelism()

/** Time limit that ends only tests that hang: on a busy machine, a test of a few seconds takes ten times as long. */
const PATIENCE_MS = 60_000

function unitTests(files: {
  name: string
  include: string[]
  exclude?: string[]
  maxWorkers?: number
  sequence?: { groupOrder: number }
}) {
  return {
    test: {
      isolate: false,
      testTimeout: PATIENCE_MS,
      maxWorkers: WORKERS,
      ...files,
      // Functions log nothing: a line for each request would bury the report. Tests of the log set its level.
      env: { POWERTOOLS_LOG_LEVEL: 'SILENT' },
    },
  }
}

/** Projects by what they need: nothing (unit, contract, infra), the local stack (integration, console, emulator-stack). */
export default defineConfig({
  test: {
    projects: [
      // Files share loaded modules, which have no state. Without sharing, loading them would take half the time.
      unitTests({
        name: 'unit',
        include: ['test/unit/**/*.test.ts'],
        exclude: ['test/unit/**/*.slow.test.ts'],
      }),
      // Files that take half a second or more, so that `unit` is quick enough for the inner loop.
      // Some measure time, so they run one file at a time, after the others.
      unitTests({
        name: 'slow',
        include: ['test/unit/**/*.slow.test.ts'],
        maxWorkers: 1,
        sequence: { groupOrder: 1 },
      }),
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          isolate: false,
          maxWorkers: WORKERS,
          testTimeout: PATIENCE_MS,
        },
      },
      {
        // Two processes of its own: some 50 s on two cores.
        test: {
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 900_000,
          env: { POWERTOOLS_LOG_LEVEL: 'SILENT' },
        },
      },
      // Installs a validator below .local/venv.
      {
        test: {
          name: 'crate',
          include: ['test/crate/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'infra',
          include: ['test/infra/**/*.test.ts'],
          isolate: false,
          maxWorkers: WORKERS,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      // Needs what the integration tests recorded (RECORD_CALLS).
      { test: { name: 'permissions', include: ['test/permissions/**/*.test.ts'], hookTimeout: 120_000 } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/integration/local-stack.ts'],
          setupFiles: ['test/integration/record-calls.ts'],
          testTimeout: 120_000,
          hookTimeout: 240_000,
          fileParallelism: false,
        },
      },
      {
        // The console in Debian's Chromium, on a local stack.
        test: {
          name: 'console',
          include: ['test/console/**/*.test.ts'],
          globalSetup: ['test/integration/local-stack.ts'],
          testTimeout: 180_000,
          hookTimeout: 240_000,
          // As long as Playwright waits for an element.
          expect: { poll: { timeout: 30_000 } },
          fileParallelism: false,
        },
      },
      {
        // Commands that start a stack or parts of one, each interrupted: 80 s on two cores.
        test: {
          name: 'interrupts',
          include: ['test/interrupts/**/*.test.ts'],
          maxConcurrency: 3,
          testTimeout: 600_000,
          // A failure names all processes that remain.
          chaiConfig: { truncateThreshold: 0 },
        },
      },
      {
        // The ports' contract suites on the emulator that the variable EMULATOR names.
        test: {
          name: 'emulator',
          include: (emulator?.suites ?? []).map((suite) => `test/integration/adapters/${suite}.test.ts`),
          globalSetup: ['test/emulators/setup.ts'],
          setupFiles: ['test/emulators/expect-known-faults.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        // Whole runs, with the stacks deployed to that emulator.
        test: {
          name: 'emulator-stack',
          include: (emulator?.stackSuites ?? []).map((suite) => `test/integration/${suite}.test.ts`),
          globalSetup: ['test/emulators/stack-setup.ts'],
          setupFiles: ['test/emulators/expect-known-faults.ts'],
          testTimeout: 120_000,
          hookTimeout: 240_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
