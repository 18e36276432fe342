import { RUN_FAILURE_KINDS } from './run-failure-kinds.ts'

/*
 * Every figure that the engine tells CloudWatch. A custom metric costs by the month for each name and kind, so kinds are short
 * closed lists and nothing is told by task or by run: that is what the log is for.
 */

/** All metrics of all installations; an installation tells its own apart by {@link INSTALLATION_DIMENSION}. */
export const METRICS_NAMESPACE = 'CytomineAppEngine'

/** Value: the prefix of the installation. */
export const INSTALLATION_DIMENSION = 'service'

/** Of counts only. */
export const KIND_DIMENSION = 'kind'

/** What is counted, each by kind. */
export const COUNTS = {
  /** Runs by their end, at the write that gave it to them. */
  RunsEnded: ['finished', ...RUN_FAILURE_KINDS],
  /** Imports by their end; `refused` is the bundle's fault. */
  Imports: ['ready', 'refused', 'engine-error'],
  /** What the sweeper put right. */
  Repairs: [
    'state-recorded',
    'workflow-started',
    'submission-repeated',
    'run-failed',
    'workflow-stopped',
    'job-ended',
    'task-deleted',
    'import-requested',
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type CountName = keyof typeof COUNTS
export type KindOf<Name extends CountName> = (typeof COUNTS)[Name][number]

/** What is measured, and in which unit of CloudWatch. */
export const MEASURES = {
  /** Of a bundle that was imported. */
  ImportedBytes: 'Bytes',
  /** Of the call that ended an import; a long import takes several. */
  ImportSeconds: 'Seconds',
  /** From a job's submission to its first container. */
  QueueSeconds: 'Seconds',
  /** From a job's first container to its end: staging and task. */
  JobSeconds: 'Seconds',
  StageInSeconds: 'Seconds',
  StageOutSeconds: 'Seconds',
  /** Estimate of what a run's machine cost, in US dollars. */
  RunCost: 'None',
  /** At the time of a sweep. */
  ActiveRuns: 'Count',
  /** Since the last change of the active run that has changed least recently. */
  OldestActiveRunSeconds: 'Seconds',
} as const satisfies Readonly<Record<string, 'Bytes' | 'Count' | 'None' | 'Seconds'>>

export type MeasureName = keyof typeof MEASURES
