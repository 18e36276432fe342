import { RUN_FAILURE_KINDS } from './run-failure-kinds.ts'

/*
 * All custom metrics. CloudWatch charges for each combination of name and kind per month. Therefore kinds are short closed lists, and
 * tasks and runs are in the log only.
 */

/** Namespace of all installations; {@link INSTALLATION_DIMENSION} separates them. */
export const METRICS_NAMESPACE = 'CytomineAppEngine'

/** Dimension of all metrics; its value is the installation's prefix. */
export const INSTALLATION_DIMENSION = 'service'

/** Dimension of counts. */
export const KIND_DIMENSION = 'kind'

/** Counts, by kind. */
export const COUNTS = {
  /** Ended runs. */
  RunsEnded: ['finished', ...RUN_FAILURE_KINDS],
  /** Ended imports; `refused` means that the bundle is invalid. */
  Imports: ['ready', 'refused', 'engine-error'],
  /** Repairs of the sweeper. */
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

/** Measures, with CloudWatch's unit. */
export const MEASURES = {
  /** Size of an imported bundle. */
  ImportedBytes: 'Bytes',
  /** Duration of the importer's last call; a long import takes several. */
  ImportSeconds: 'Seconds',
  /** From a job's submission to its first container. */
  QueueSeconds: 'Seconds',
  /** From a job's first container to its end: staging and task. */
  JobSeconds: 'Seconds',
  StageInSeconds: 'Seconds',
  StageOutSeconds: 'Seconds',
  /** Estimated cost of a run's machine in US dollars. */
  RunCost: 'None',
  /** Active runs at a sweep. */
  ActiveRuns: 'Count',
  /** Time since the last change of the active run that has not changed for longest, at a sweep. */
  OldestActiveRunSeconds: 'Seconds',
} as const satisfies Readonly<Record<string, 'Bytes' | 'Count' | 'None' | 'Seconds'>>

export type MeasureName = keyof typeof MEASURES

/** Measures of every sweep, so that they are also written while no run is active. */
export const SWEEP_MEASURES = [
  'ActiveRuns',
  'OldestActiveRunSeconds',
] as const satisfies readonly MeasureName[]
