import type { RunnerTestSuite as Suite, RunnerTestCase as TestCase } from 'vitest'
import type { KnownFault } from './known-faults.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** Why the emulator is known to fail this test. */
    knownFault?: string
  }
}

/**
 * Marks the tests with a known fault as expected to fail. The runner reports an error when such a test passes.
 * @param file tests of one file
 * @throws Error when the file has no test of that name
 */
export function markKnownFaults(file: Readonly<Suite>, faults: readonly KnownFault[]): void {
  const tests = testsOf(file, '')
  for (const { suite, test, reason } of faults) {
    const found = tests.get(test)
    if (found === undefined) throw new Error(`${suite} has no test "${test}", which is a known fault`)
    found.fails = true
    found.meta.knownFault = reason
  }
}

/** Tests by their names, which begin with the names of their groups but not of the file. */
function testsOf(suite: Readonly<Suite>, prefix: string): Map<string, TestCase> {
  const named = suite.tasks.flatMap((task): (readonly [string, TestCase])[] => {
    const name = `${prefix}${task.name}`
    return task.type === 'suite' ? [...testsOf(task, `${name} > `)] : [[name, task]]
  })
  return new Map(named)
}
