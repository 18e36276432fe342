/** Key prefixes of the bucket; permissions and lifecycle rules are cut to them. */
export const PREFIXES = {
  uploads: 'uploads/',
  taskDefinition: 'task-',
  runInputs: 'task-run-inputs-',
  runOutputs: 'task-run-outputs-',
} as const

/** Where a bundle or an input file arrives. */
export function uploadKey(uploadId: string): string {
  return `${PREFIXES.uploads}${uploadId}`
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

/** All tries of a run's output folder. */
export function runOutputsRoot(runId: string): string {
  return `${PREFIXES.runOutputs}${runId}/`
}

/** The output folder of one try of a run: half-written attempts stay apart. */
export function runOutputsPrefix(runId: string, attempt: number, jobAttempt: number): string {
  return `${runOutputsRoot(runId)}${attempt}-${jobAttempt}/`
}
