/** Key prefixes of the bucket; permissions and lifecycle rules use them. */
export const PREFIXES = {
  uploads: 'uploads/',
  installs: 'installs/',
  taskDefinition: 'task-',
  runInputs: 'task-run-inputs-',
  runOutputs: 'task-run-outputs-',
  runSets: 'task-run-set-',
} as const

/** Key of an uploaded bundle or input file. */
export function uploadKey(uploadId: string): string {
  return `${PREFIXES.uploads}${uploadId}`
}

/** Key of a bundle that the importer downloads from an app store. Below `uploads/`, the new object would start another import. */
export function installKey(uploadId: string): string {
  return `${PREFIXES.installs}${uploadId}`
}

/** Prefix of a task's files. */
export function taskDefinitionPrefix(taskId: string): string {
  return `${PREFIXES.taskDefinition}${taskId}-def/`
}

/** Key of the descriptor as its author wrote it. */
export function descriptorKey(taskId: string): string {
  return `${taskDefinitionPrefix(taskId)}descriptor.yml`
}

/** Key of the task's logo, if its bundle has one. */
export function logoKey(taskId: string): string {
  return `${taskDefinitionPrefix(taskId)}logo.png`
}

/** Prefix of the input files of a run. */
export function runInputsPrefix(runId: string): string {
  return `${PREFIXES.runInputs}${runId}/`
}

/** Key of one stored version of an input or array item; also the prefix of the keys of its companions. */
export function inputValueKey(runId: string, name: string, valueId: string): string {
  return `${runInputsPrefix(runId)}${name}/${valueId}`
}

/** Prefix of the files of a run set: its table of inputs, and downloads of its results. */
export function runSetPrefix(setId: string): string {
  return `${PREFIXES.runSets}${setId}/`
}

/** Prefixes of all objects of a set. Values that its runs share are stored like those of a run with the set's id. */
export function runSetPrefixes(setId: string): readonly string[] {
  return [runSetPrefix(setId), runInputsPrefix(setId)]
}

/** Key of the end of a run's log; output folders have numbers as names. */
export function runLogKey(runId: string): string {
  return `${runOutputsRoot(runId)}log.txt`
}

/** Prefix of the output folders of all job attempts of a run. */
export function runOutputsRoot(runId: string): string {
  return `${PREFIXES.runOutputs}${runId}/`
}

/** Prefix of outputs that were posted as a zip, one for each request. Job attempts count from 1, so 0 is not one of the stager's. */
export function postedOutputsPrefix(runId: string, attempt: number, postId: string): string {
  return `${runOutputsRoot(runId)}${attempt}-0-${postId}/`
}

/** Prefix of all outputs that were copied from equal runs. The stager counts attempts from 1, so it does not use 0. */
export function reusedOutputsRoot(runId: string): string {
  return `${runOutputsRoot(runId)}0-0-`
}

/** Prefix of outputs that were copied from an equal run, one for each copy. */
export function reusedOutputsPrefix(
  runId: string,
  { begunAt, copyId }: { readonly begunAt: Date; readonly copyId: string },
): string {
  return `${reusedOutputsRoot(runId)}${begunAt.getTime()}-${copyId}/`
}

/** Prefix of the copy that a key belongs to, and the time when the copy began; undefined for other keys. */
export function reusedOutputsTry(
  key: string,
): { readonly prefix: string; readonly begunAt: Date } | undefined {
  const [prefix, milliseconds] = /^[^/]+\/0-0-(\d{13})-[^/]+\//u.exec(key) ?? []
  return prefix === undefined ? undefined : { prefix, begunAt: new Date(Number(milliseconds)) }
}

/** Prefix of the output folder of one job attempt, so that an interrupted one does not mix with the next. */
export function runOutputsPrefix(runId: string, attempt: number, jobAttempt: number): string {
  return `${runOutputsRoot(runId)}${attempt}-${jobAttempt}/`
}
