import { randomUUID } from 'node:crypto'
import { DomainError } from '../../src/contract/errors.ts'
import { decodeDescriptor } from '../../src/import/open-bundle.ts'
import { parseTaskDescriptor } from '../../src/task/descriptor/parse-task-descriptor.ts'
import type { TaskDescriptor } from '../../src/task/task.ts'
import { readYaml } from '../../src/task/yaml/yaml-document.ts'
import { wordsOf } from '../terminal/words-of.ts'
import { adviseOn } from './descriptor-advice.ts'
import { type Finding, problem, warning } from './finding.ts'

/** Default of the service for the memory of a task (descriptor 3.1). */
const DEFAULT_RAM_BYTES = 4 * 1024 ** 3

/** A descriptor, undefined when it has problems, and the findings. */
export interface CheckedDescriptor {
  readonly descriptor: TaskDescriptor | undefined
  readonly findings: readonly Finding[]
}

/** Checks a descriptor as an upload does, and for probable mistakes. */
export function checkDescriptor(bytes: Buffer): CheckedDescriptor {
  try {
    const text = decodeDescriptor(bytes)
    const parsed = parseTaskDescriptor(text, { newId: randomUUID, defaultRamBytes: DEFAULT_RAM_BYTES })
    const warnings = parsed.warnings.map(({ message, ...position }) =>
      warning('descriptor', message, position),
    )
    if ('problems' in parsed) {
      const problems = parsed.problems.map(({ message, line, column }) =>
        problem('descriptor', message, line === undefined || column === undefined ? {} : { line, column }),
      )
      const advice = adviseOn(parsed.valid, readYaml(text))
      return { descriptor: undefined, findings: [...problems, ...warnings, ...advice] }
    }
    const { descriptor } = parsed
    return { descriptor, findings: [...warnings, ...adviseOn(descriptor, readYaml(text))] }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return { descriptor: undefined, findings: [problem('descriptor', wordsOf(error))] }
  }
}
