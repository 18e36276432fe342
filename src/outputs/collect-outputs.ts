import { Readable } from 'node:stream'
import { ZipFormatError, type ZipFormatErrorCode } from '../archive/zip/zip-format-error.ts'
import { objectSource } from '../aws/object-source.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import { DomainError, type ErrorBody, parameterError } from '../contract/errors.ts'
import { cutText, quoted } from '../contract/quoted.ts'
import type { StagedListing } from '../contract/staging.ts'
import { runOutputsPrefix, runOutputsRoot } from '../contract/storage-keys.ts'
import { topIndexes } from '../inputs/array-provisions.ts'
import { matchingProblems } from '../inputs/matching.ts'
import { resultKeyOf } from '../inputs/result-key.ts'
import type { Repositories } from '../run/find-run.ts'
import type { Run, RunFailure, RunJob } from '../run/run.ts'
import { RunStateConflictError, type RunTransition } from '../run/run-repository.ts'
import { isActive } from '../run/transitions.ts'
import { inTextChunks } from '../shared/in-text-chunks.ts'
import { createListedStrings } from '../task/parameters/cut-strings.ts'
import type { Task, TaskOutput } from '../task/task.ts'
import { ignoredNames, type Left, missingWords, readStagedListing } from './left-files.ts'
import { isFolder, type ListedArray, type Produced, type RewrittenFiles, readOutput } from './read-output.ts'
import { rewriteOutput, storeItems } from './rewrite-output.ts'

interface Dependencies extends Repositories {
  readonly objects: ObjectStore
}

/** Name of the outputs listing, stored beside the files. Parameter names have no dot, so no output has this name. */
export const OUTPUTS_NAME = 'outputs.json'

/**
 * Checks all outputs of a successful job and ends the run: FINISHED with its listing in one conditional write, or
 * FAILED with every problem. Idempotent.
 * @returns the problems
 */
export async function collectOutputs(deps: Dependencies, runId: string): Promise<readonly ErrorBody[]> {
  const run = await deps.runs.find(runId)
  // An earlier call may have crashed between the two writes.
  if (run?.state === 'FINISHED') await recordResult(deps, run)
  const task = run === undefined ? undefined : await deps.tasks.findById(run.taskId)
  if (run?.job === undefined || task === undefined || !isActive(run.state)) return []
  const prefix = runOutputsPrefix(runId, run.job.attempt, run.job.succeededAttempt ?? 1)
  const listing = await readStagedListing(deps, prefix)
  if (listing === undefined) throw new Error('the job succeeded, but its outputs never arrived')
  const failure = unprovenSuccess(run.job, listing)
  if (failure !== undefined) {
    await end(deps, run, { to: 'FAILED', set: { failure } })
    return []
  }
  if (listing.problem !== undefined) return refuseAll(deps, run, listing.problem)
  const entries = new Map(listing.entries.map((entry) => [entry.name, entry]))
  const left = { entries, others: listing.others ?? [] }
  const result = resultKeyOf(task, run, await deps.runs.listInputs(run))
  const resultKey = 'key' in result ? result.key : undefined
  const given = { run, task, prefix, left, ...(resultKey !== undefined && { resultKey }) }
  return (await endWithOutputs(deps, given)).problems
}

/**
 * Failure of a run whose task is not known to have ended with 0: stage-out also runs after a task that failed. The exit
 * code comes from Batch, or else from the ECS agent through stage-out.
 */
function unprovenSuccess(job: RunJob, listing: StagedListing): RunFailure | undefined {
  const exitCode = job.taskExitCode ?? listing.taskExitCode
  if (exitCode === 0) return undefined
  const { attempt } = job
  if (exitCode === undefined) {
    const message = 'neither AWS Batch nor the ECS agent reported the exit code of the task'
    return { kind: 'engine-error', message, attempt }
  }
  return { kind: 'task-failed', message: `the task ended with exit code ${exitCode}`, exitCode, attempt }
}

/** Fails a run whose outputs were not uploaded at all. */
async function refuseAll(
  deps: Pick<Dependencies, 'objects' | 'runs'>,
  run: Run,
  problem: string,
): Promise<readonly ErrorBody[]> {
  const problems = [new DomainError('INTERNAL_INVALID_OUTPUT', undefined, { text: problem })]
  await end(deps, run, { to: 'FAILED', set: { failure: describeProblems(problems, run.job?.attempt) } })
  return problems.map(bodyOf)
}

/** Stored outputs of a run, under a prefix with a single writer. */
interface GivenOutputs {
  readonly run: Run
  readonly task: Task
  readonly prefix: string
  readonly left: Left
  /** Key of the result, for outputs that the task's container wrote. */
  readonly resultKey?: string
}

/**
 * Checks outputs and ends the run, as {@link collectOutputs} does.
 * @returns the problems, and whether this call ended the run; otherwise another call did, or the run was deleted
 */
export async function endWithOutputs(
  deps: Pick<Dependencies, 'objects' | 'runs'>,
  given: GivenOutputs,
): Promise<{ readonly problems: readonly ErrorBody[]; readonly isEnd: boolean }> {
  const { run, task, prefix } = given
  const collected: Collected = { arrays: new Map(), rewritten: new Map(), problems: [] }
  const pieces = listingOf(deps, given, collected)
  try {
    await deps.objects.write(
      `${prefix}${OUTPUTS_NAME}`,
      Readable.from(inTextChunks(pieces)),
      'application/json',
    )
  } catch (error) {
    if (collected.problems.length === 0) throw error
    const failure = describeProblems(collected.problems, run.job?.attempt)
    const isEnd = await end(deps, run, { to: 'FAILED', set: { failure } })
    return { problems: collected.problems.map(bodyOf), isEnd }
  }
  for (const output of task.outputs) {
    const key = `${prefix}${output.name}`
    const rewritten = collected.rewritten.get(output.name) ?? new Map()
    const array = collected.arrays.get(output.name)
    if (array !== undefined) await storeItems(deps, key, output, { array, rewritten })
    else if (rewritten.size > 0) await rewriteOutput(deps, key, output)
  }
  const { resultKey } = given
  const ignored = ignoredNames(task, given.left)
  const set = {
    outputsPrefix: prefix,
    ...(resultKey !== undefined && { resultKey }),
    ...(ignored.length > 0 && { ignoredFiles: ignored }),
  }
  const isEnd = await end(deps, run, { to: 'FINISHED', set })
  // Recorded after the end: a run that was cancelled or deleted meanwhile would hide an earlier one with the same
  // result.
  if (isEnd) await recordResult(deps, { id: run.id, ...set })
  return { problems: [], isEnd }
}

/** Lets equal runs find the run, unless its outputs are not those of its container. */
async function recordResult(
  { runs }: Pick<Dependencies, 'runs'>,
  { id, resultKey }: Pick<Run, 'id' | 'resultKey'>,
): Promise<void> {
  if (resultKey !== undefined) await runs.recordResult({ id, resultKey })
}

/** Results collected while the listing is written. */
interface Collected {
  readonly arrays: Map<string, ListedArray>
  /** By output name. */
  readonly rewritten: Map<string, RewrittenFiles>
  readonly problems: DomainError[]
}

/**
 * Listing as JSON text; each value is dropped once it is checked and written.
 * @throws Error at its end when there were problems, so that no listing is stored
 */
async function* listingOf(
  deps: Pick<Dependencies, 'objects'>,
  given: GivenOutputs,
  { arrays, rewritten, problems }: Collected,
): AsyncGenerator<string, void, undefined> {
  const { run, task, left } = given
  const strings = createListedStrings(run.id, 'output')
  let separator = '['
  for (const output of task.outputs) {
    const entry = left.entries.get(output.name)
    if (entry === undefined && output.optional) continue
    yield separator
    separator = ','
    try {
      const produced = await findProduced(deps, given, output)
      rewritten.set(output.name, produced.rewritten)
      const array = yield* readOutput({ ...produced, strings })
      if (array !== undefined) arrays.set(output.name, array)
    } catch (error) {
      problems.push(refusalOf(error, output.name))
    }
  }
  // Arrays are compared only when all outputs exist, so that a missing array is reported once.
  if (problems.length === 0) {
    const matching = matchingProblems(task, () => true, indexesOf(run, arrays))
    problems.push(...matching)
  }
  if (problems.length > 0) throw new Error(`${problems.length} outputs are invalid`)
  yield separator === '[' ? '[]' : ']'
}

/** Zip errors that are caused by the task's files rather than by the stager. */
const TASK_ZIP_ERRORS: readonly ZipFormatErrorCode[] = ['unsafe-name', 'duplicate-name', 'limit-exceeded']

/** @throws the error when it is not about the output itself */
function refusalOf(error: unknown, name: string): DomainError {
  if (error instanceof DomainError) return error
  if (error instanceof ZipFormatError && TASK_ZIP_ERRORS.includes(error.code)) {
    return parameterError('INTERNAL_INVALID_OUTPUT', name, error.message)
  }
  throw error
}

/** Top-level indexes: of input arrays from provisions, of output arrays from the listing. */
function indexesOf(run: Run, arrays: ReadonlyMap<string, ListedArray>) {
  return (reference: string): ReadonlySet<number> | undefined => {
    const name = reference.slice(reference.indexOf('/') + 1)
    return reference.startsWith('inputs/') ? topIndexes(run, name) : arrays.get(name)?.indexes
  }
}

/** @throws DomainError when the task did not write it */
async function findProduced(
  deps: Pick<Dependencies, 'objects'>,
  { run, task, prefix, left }: GivenOutputs,
  output: TaskOutput,
): Promise<Omit<Produced, 'strings'>> {
  const entry = left.entries.get(output.name)
  const key = `${prefix}${output.name}`
  // A link that leaves the folder, or a device, counts as missing (run-lifecycle 7.2).
  const isThere = entry !== undefined && entry.kind !== 'other'
  if (isThere && entry.problem !== undefined) {
    throw parameterError('INTERNAL_INVALID_OUTPUT', output.name, entry.problem)
  }
  const found = isThere ? await deps.objects.find(key) : undefined
  if (!isThere || found === undefined) {
    // A folder is not uploaded in place of a file.
    const isFileDue = entry?.kind === 'directory' && output.type.id !== 'array' && output.type.id !== 'image'
    if (isFileDue) throw isFolder(output.type, output.name)
    const words = missingWords(task, output, left)
    throw parameterError('INTERNAL_MISSING_OUTPUT_FILE_FOR_PARAMETER', output.name, words)
  }
  const source = objectSource(deps.objects, { key, ...found })
  return { runId: run.id, output, entry, source, rewritten: new Map() }
}

/** Maximum length of a run's failure message, which is part of its item of at most 400 KB. */
const MAX_REASON_LENGTH = 10_000

function describeProblems(problems: readonly DomainError[], attempt: number | undefined): RunFailure {
  const missing = problems.some(({ error }) => error === 'INTERNAL_MISSING_OUTPUT_FILE_FOR_PARAMETER')
  const lines = problems.map(({ explanation, details, message }) => {
    if (details.type !== 'parameter') return message
    return `output ${explanation ?? `${quoted(details.parameterName)}: ${message}`}`
  })
  const message = cutText(lines.join('; '), MAX_REASON_LENGTH)
  const kind = missing ? 'output-missing' : 'output-invalid'
  return { kind, message, ...(attempt !== undefined && { attempt }) }
}

/** Error body for a client that posts outputs: every entry has its own explanation. */
function bodyOf({ body, explanation }: DomainError): ErrorBody {
  const { explanation: beside, ...entry } = body
  return beside === undefined ? entry : { ...entry, message: `${entry.message}: ${explanation}` }
}

/**
 * Ends the run unless it has ended. Files of a run that was deleted meanwhile are removed again.
 * @returns whether the run ended with these outputs
 */
async function end(
  deps: Pick<Dependencies, 'objects' | 'runs'>,
  run: Run,
  transition: RunTransition,
): Promise<boolean> {
  try {
    await deps.runs.transition(run.id, {
      ...transition,
      ...(run.job === undefined ? {} : { attempt: run.job.attempt }),
    })
    return true
  } catch (error) {
    if (!(error instanceof RunStateConflictError)) throw error
    // A deletion may have removed the run's files before the last of these was written.
    if (error.run === undefined) await deps.objects.removeAll(runOutputsRoot(run.id))
    // The SDK retries a write whose response was lost, and the retry then conflicts.
    const { outputsPrefix } = transition.set ?? {}
    return outputsPrefix !== undefined && error.run?.outputsPrefix === outputsPrefix
  }
}
