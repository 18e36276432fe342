import type { RunFailureKind } from '../../../src/contract/run-failure-kinds.ts'
import type { RunFailure } from '../api/types.ts'

/** Links that help with a failed run. */
export type CureLink = 'log' | 'task' | 'outputs' | 'rejected' | 'upload'

export interface Cure {
  readonly what: string
  readonly cure: string
  readonly links: readonly CureLink[]
}

const NOT_THE_TASK =
  'This is not the fault of the task. Run it again; if it happens again, tell the operators.'

/** Advice by `error.kind` (docs/task-authors.md). */
const CURES: Readonly<Record<RunFailureKind, Cure>> = {
  'task-failed': {
    what: 'The task ended with an error.',
    cure: 'Read the end of the log: the container has written why it stopped.',
    links: ['log', 'rejected'],
  },
  'out-of-memory': {
    what: 'The task needed more memory than its machine has.',
    cure: 'Raise configuration.resources.ram in the descriptor and upload the task as a new version, or use smaller inputs.',
    links: ['task', 'log', 'rejected'],
  },
  'time-out': {
    what: 'The task took longer than this installation allows.',
    cure: 'Use smaller inputs or a faster task, or ask the operators for a longer limit.',
    links: ['log'],
  },
  'image-unavailable': {
    what: 'The image of the task could not be pulled.',
    cure: 'Upload the task again as a new version.',
    links: ['upload'],
  },
  unschedulable: {
    what: 'No machine of this installation is large enough for the task.',
    cure: 'Request less in configuration.resources, or make the image smaller, and upload the task as a new version.',
    links: ['task'],
  },
  'output-missing': {
    what: 'The task did not write all of its outputs.',
    cure: 'Write every output that the descriptor declares to the output folder, or declare it optional.',
    links: ['outputs', 'rejected', 'log'],
  },
  'output-invalid': {
    what: 'An output is not what the descriptor declares.',
    cure: 'Fix what the reason names: the type of a value, its bounds, or the items of an array.',
    links: ['outputs', 'rejected', 'log'],
  },
  'input-staging-failed': {
    what: 'The inputs could not be copied to the task.',
    cure: NOT_THE_TASK,
    links: ['log'],
  },
  'output-staging-failed': { what: 'The outputs could not be stored.', cure: NOT_THE_TASK, links: ['log'] },
  'host-lost': { what: 'The machine was lost while the task ran.', cure: NOT_THE_TASK, links: ['log'] },
  'engine-error': { what: 'The service failed.', cure: NOT_THE_TASK, links: ['log'] },
  cancelled: { what: 'The run was cancelled.', cure: 'Run it again if that was a mistake.', links: ['log'] },
}

export function cureOf(kind: string): Cure {
  const cures: Readonly<Record<string, Cure | undefined>> = CURES
  return cures[kind] ?? { what: 'The run failed.', cure: 'Read the reason and the log.', links: ['log'] }
}

/** Links that help with a failure. A task without an exit code was never started, so it has written no outputs. */
export function linksOf({ kind, exitCode }: Pick<RunFailure, 'kind' | 'exitCode'>): readonly CureLink[] {
  const { links } = cureOf(kind)
  const isUnstarted = exitCode === undefined && (kind === 'task-failed' || kind === 'out-of-memory')
  return isUnstarted ? links.filter((link) => link !== 'rejected') : links
}
