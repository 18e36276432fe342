import type { DescriptorPath } from '../../src/task/descriptor/descriptor-problem.ts'

/** One result of a check. */
export interface Finding {
  /** `problem`: refused by the service, or fails every run. `warning`: accepted, but probably a mistake. */
  readonly severity: 'problem' | 'warning'
  readonly part: 'bundle' | 'descriptor' | 'image' | 'resources'
  /** A sentence with the position, the value, and what to do. */
  readonly message: string
  /** Line of the descriptor, from 1. */
  readonly line?: number
  /** Column from 1. */
  readonly column?: number
}

export function problem(part: Finding['part'], message: string, position: Position = {}): Finding {
  return { severity: 'problem', part, message, ...position }
}

export function warning(part: Finding['part'], message: string, position: Position = {}): Finding {
  return { severity: 'warning', part, message, ...position }
}

/** End of a warning that no queue can run the task. */
export const RESOURCES_CURE = 'change configuration.resources, or use an installation with such a queue'

/** Position in the descriptor. */
export type Position = Pick<Finding, 'line' | 'column'>

/** Advice at a path of the descriptor. */
export interface Note {
  readonly path: DescriptorPath
  readonly words: string
}
