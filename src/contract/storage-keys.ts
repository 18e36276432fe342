/** Key prefixes of the bucket; permissions and lifecycle rules are cut to them. */
export const PREFIXES = {
  uploads: 'uploads/',
  installs: 'installs/',
  taskDefinition: 'task-',
  runInputs: 'task-run-inputs-',
  runOutputs: 'task-run-outputs-',
} as const

/** Where a bundle or an input file arrives. */
export function uploadKey(uploadId: string): string {
  return `${PREFIXES.uploads}${uploadId}`
}

/** Where the importer puts a bundle that it gets from an app store: apart from uploads, whose arrival starts an import. */
export function installKey(uploadId: string): string {
  return `${PREFIXES.installs}${uploadId}`
}

/** Everything that is stored of a task. */
export function taskDefinitionPrefix(taskId: string): string {
  return `${PREFIXES.taskDefinition}${taskId}-def/`
}

/** The descriptor as its author wrote it. */
export function descriptorKey(taskId: string): string {
  return `${taskDefinitionPrefix(taskId)}descriptor.yml`
}

/** The task's logo, when its bundle has one. */
export function logoKey(taskId: string): string {
  return `${taskDefinitionPrefix(taskId)}logo.png`
}

/** The input folder of a run, as its container sees it. */
export function runInputsPrefix(runId: string): string {
  return `${PREFIXES.runInputs}${runId}/`
}

/** One stored version of an input, or of an array's item; what belongs to it has keys that begin with this one. */
export function inputValueKey(runId: string, name: string, valueId: string): string {
  return `${runInputsPrefix(runId)}${name}/${valueId}`
}

/** The end of a run's log, kept beside all tries of its outputs, whose folders are named by numbers. */
export function runLogKey(runId: string): string {
  return `${runOutputsRoot(runId)}log.txt`
}

/** All tries of a run's output folder. */
export function runOutputsRoot(runId: string): string {
  return `${PREFIXES.runOutputs}${runId}/`
}

/**
 * The folder of outputs that were posted as a zip, one for each post: those of several at once stay apart. Batch counts its attempts
 * from 1, so it is never one of the stager's.
 */
export function postedOutputsPrefix(runId: string, attempt: number, postId: string): string {
  return `${runOutputsRoot(runId)}${attempt}-0-${postId}/`
}

/** The output folder of one try of a run: half-written attempts stay apart. */
export function runOutputsPrefix(runId: string, attempt: number, jobAttempt: number): string {
  return `${runOutputsRoot(runId)}${attempt}-${jobAttempt}/`
}
