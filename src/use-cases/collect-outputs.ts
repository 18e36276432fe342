import { DomainError, type ErrorBody, parameterError } from '../domain/errors.ts'
import { codecOf, runValueType } from '../domain/parameters/registry.ts'
import type { Run, RunFailure } from '../domain/run/run.ts'
import type { RunValue } from '../domain/run/run-value.ts'
import { isActive } from '../domain/run/transitions.ts'
import { LISTING_NAME, type OutputEntry, outputListingSchema } from '../domain/staging.ts'
import { runOutputsPrefix } from '../domain/storage-keys.ts'
import type { TaskOutput } from '../domain/task/task.ts'
import { readAll } from '../formats/read-all.ts'
import { type ObjectStore, type RunRepository, RunStateConflictError, type TaskRepository } from '../ports.ts'

interface Dependencies {
  readonly objects: ObjectStore
  readonly runs: RunRepository
  readonly tasks: TaskRepository
}

/** Listing of a finished run's outputs, beside the files; a parameter name has no dot, so it cannot be one. */
export const OUTPUTS_NAME = 'outputs.json'

/**
 * Text values are read whole, one at a time, so this bounds the memory of a collection; the Lambda has 1 GiB.
 * A larger text fails the run with a reason.
 */
const MAX_TEXT_BYTES = 64 * 1024 * 1024

/**
 * Checks every output of a job that succeeded, all of them even when some are wrong, and ends the run: FINISHED with its
 * listing in one conditional write, or FAILED with every problem named. Repeating it is harmless.
 */
export async function collectOutputs(deps: Dependencies, runId: string): Promise<void> {
  const run = await deps.runs.find(runId)
  const task = run === undefined ? undefined : await deps.tasks.findById(run.taskId)
  if (run?.job === undefined || task === undefined || !isActive(run.state)) return
  const prefix = runOutputsPrefix(runId, run.job.attempt, run.job.succeededAttempt ?? 1)
  const entries = await readListing(deps, prefix)

  const values: RunValue[] = []
  const problems: ErrorBody[] = []
  for (const output of task.outputs) {
    const entry = entries.get(output.name)
    if (entry === undefined && output.optional) continue
    try {
      values.push(await readOutput(deps, run, output, entry, `${prefix}${output.name}`))
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      problems.push({ ...error.body, details: { type: 'parameter', parameterName: output.name } })
    }
  }
  if (problems.length > 0) {
    await end(deps, run, { to: 'FAILED', set: { failure: describeProblems(problems, run.job.attempt) } })
    return
  }
  await deps.objects.put(`${prefix}${OUTPUTS_NAME}`, JSON.stringify(values), 'application/json')
  await end(deps, run, { to: 'FINISHED', set: { outputsPrefix: prefix } })
}

async function readListing(deps: Dependencies, prefix: string): Promise<ReadonlyMap<string, OutputEntry>> {
  const body = await deps.objects.read(`${prefix}${LISTING_NAME}`)
  if (body === undefined) throw new Error('the job ended well, but its outputs never arrived')
  const { entries } = outputListingSchema.parse(JSON.parse((await readAll(body)).toString('utf8')))
  return new Map(entries.map((entry) => [entry.name, entry]))
}

async function readOutput(
  deps: Dependencies,
  run: Run,
  output: TaskOutput,
  entry: OutputEntry | undefined,
  key: string,
): Promise<RunValue> {
  // A link that leaves the folder, or a device, counts as nothing (run-lifecycle 7.2).
  if (entry === undefined || entry.kind === 'other') {
    throw parameterError('INTERNAL_MISSING_OUTPUT_FILE_FOR_PARAMETER', output.name)
  }
  if (entry.kind === 'directory') {
    throw parameterError('INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_DIRECTORY', output.name)
  }
  const codec = codecOf(output.type)
  const entryValue = { taskRunId: run.id, parameterName: output.name, type: runValueType(output.type.id) }
  if (codec === undefined) return { ...entryValue, value: null }
  if (entry.sizeBytes > MAX_TEXT_BYTES) {
    throw parameterError(
      'INTERNAL_PARAMETER_VALIDATION_ERROR',
      output.name,
      `the file has ${entry.sizeBytes} bytes; a ${output.type.id} may have ${MAX_TEXT_BYTES}`,
    )
  }
  const body = await deps.objects.read(key)
  if (body === undefined) throw parameterError('INTERNAL_MISSING_OUTPUT_FILE_FOR_PARAMETER', output.name)
  const text = decodeUtf8(await readAll(body), output.name)
  return { ...entryValue, value: codec.readOutput(text, output.type, output.name) }
}

function decodeUtf8(bytes: Buffer, parameterName: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new DomainError(
      'INTERNAL_PARAMETER_TYPE_ERROR',
      { type: 'parameter', parameterName },
      { cause: error },
    )
  }
}

function describeProblems(problems: readonly ErrorBody[], attempt: number): RunFailure {
  const missing = problems.some(
    (problem) =>
      problem.errorCode === new DomainError('INTERNAL_MISSING_OUTPUT_FILE_FOR_PARAMETER').body.errorCode,
  )
  const lines = problems.map((problem) =>
    problem.details.type === 'parameter'
      ? `output "${problem.details.parameterName}": ${problem.message}`
      : problem.message,
  )
  return { kind: missing ? 'output-missing' : 'output-invalid', message: lines.join('; '), attempt }
}

/** A run that was ended or deleted meanwhile keeps its end. */
async function end(
  deps: Dependencies,
  run: Run,
  transition: Parameters<RunRepository['transition']>[1],
): Promise<void> {
  try {
    await deps.runs.transition(run.id, {
      ...transition,
      ...(run.job === undefined ? {} : { attempt: run.job.attempt }),
    })
  } catch (error) {
    if (!(error instanceof RunStateConflictError)) throw error
  }
}
