import { Readable } from 'node:stream'
import { DomainError, type ErrorBody, parameterError } from '../domain/errors.ts'
import type { JsonValue } from '../domain/json.ts'
import { type ArrayType, type ListedItem, readArray } from '../domain/parameters/array.ts'
import { codecOf, runValueType } from '../domain/parameters/registry.ts'
import { topIndexes } from '../domain/run/array-provisions.ts'
import { matchingProblems } from '../domain/run/matching.ts'
import type { Run, RunFailure } from '../domain/run/run.ts'
import type { RunValue } from '../domain/run/run-value.ts'
import { isActive } from '../domain/run/transitions.ts'
import { LISTING_NAME, type OutputEntry, outputListingSchema } from '../domain/staging.ts'
import { runOutputsPrefix } from '../domain/storage-keys.ts'
import type { ParameterType, TaskOutput } from '../domain/task/task.ts'
import { readAll } from '../formats/read-all.ts'
import { type ByteSource, bufferSource } from '../formats/zip/byte-source.ts'
import { openZip } from '../formats/zip/read-zip.ts'
import { type ObjectStore, type RunRepository, RunStateConflictError, type TaskRepository } from '../ports.ts'
import { TREE_LIMITS } from './array-inputs.ts'
import { checkDicomFolder, checkFile, checkImage } from './check-file-value.ts'
import { objectSource } from './object-source.ts'

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

/** Items of arrays are held one at a time. */
const MAX_ITEM_BYTES = 256 * 1024 * 1024

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
  // Only when all are there: an array that is missing is told once.
  if (problems.length === 0) {
    const indexes = indexesOf(run, values)
    problems.push(...matchingProblems(task, () => true, indexes).map((problem) => problem.body))
  }
  if (problems.length > 0) {
    await end(deps, run, { to: 'FAILED', set: { failure: describeProblems(problems, run.job.attempt) } })
    return
  }
  await deps.objects.put(`${prefix}${OUTPUTS_NAME}`, JSON.stringify(values), 'application/json')
  await end(deps, run, { to: 'FINISHED', set: { outputsPrefix: prefix } })
}

/** Top-level indexes of input arrays by what was provisioned, of output arrays by what was listed. */
function indexesOf(run: Run, values: readonly RunValue[]) {
  const outputs = new Map(values.map((value) => [value.parameterName, value.value]))
  return (reference: string): ReadonlySet<number> | undefined => {
    const name = reference.slice(reference.indexOf('/') + 1)
    if (reference.startsWith('inputs/')) return topIndexes(run, name)
    const items = outputs.get(name)
    return Array.isArray(items)
      ? new Set((items as readonly ListedItem[]).map((item) => item.index))
      : undefined
  }
}

async function readListing(deps: Dependencies, prefix: string): Promise<ReadonlyMap<string, OutputEntry>> {
  const body = await deps.objects.read(`${prefix}${LISTING_NAME}`)
  if (body === undefined) throw new Error('the job ended well, but its outputs never arrived')
  const { entries } = outputListingSchema.parse(JSON.parse((await readAll(body)).toString('utf8')))
  return new Map(entries.map((entry) => [entry.name, entry]))
}

/** One output and where its bytes are. */
interface Produced {
  readonly run: Run
  readonly output: TaskOutput
  readonly entry: OutputEntry
  readonly source: ByteSource
}

async function readOutput(
  deps: Dependencies,
  run: Run,
  output: TaskOutput,
  entry: OutputEntry | undefined,
  key: string,
): Promise<RunValue> {
  const { name, type } = output
  // A link that leaves the folder, or a device, counts as nothing (run-lifecycle 7.2).
  if (entry === undefined || entry.kind === 'other') {
    throw parameterError('INTERNAL_MISSING_OUTPUT_FILE_FOR_PARAMETER', name)
  }
  if (entry.kind === 'directory' && type.id !== 'array' && type.id !== 'image') {
    throw parameterError('INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_DIRECTORY', name)
  }
  const sizeBytes = await deps.objects.size(key)
  if (sizeBytes === undefined) throw parameterError('INTERNAL_MISSING_OUTPUT_FILE_FOR_PARAMETER', name)
  const source = objectSource(deps.objects, key, sizeBytes)
  const listed = { taskRunId: run.id, parameterName: name, type: runValueType(type.id) }
  if (type.id === 'array') {
    const value = await readOutputArray({ run, output, entry, source }, type)
    return { ...listed, value, subType: runValueType(type.subType.id) }
  }
  return { ...listed, value: (await readOutputFile({ run, output, entry, source })) ?? null }
}

/** @returns undefined for images and files, which listings show without a value */
async function readOutputFile({ output, entry, source }: Produced): Promise<JsonValue | undefined> {
  const { name, type } = output
  if (type.id === 'image') {
    if (entry.kind === 'directory') await checkDicomFolder(source, type, name)
    else await checkImage(source, type, name)
    return undefined
  }
  return readLeaf(source, type, name)
}

/** A text, read whole, or a file, of which only the size is looked at. */
async function readLeaf(
  source: ByteSource,
  type: ParameterType,
  parameterName: string,
): Promise<JsonValue | undefined> {
  if (type.id === 'file') {
    checkFile(source.sizeBytes, type, parameterName)
    return undefined
  }
  if (type.id === 'image') {
    await checkImage(source, type, parameterName)
    return undefined
  }
  const codec = codecOf(type)
  if (codec === undefined) return undefined
  if (source.sizeBytes > MAX_TEXT_BYTES) {
    throw parameterError(
      'INTERNAL_PARAMETER_VALIDATION_ERROR',
      parameterName,
      `the file has ${source.sizeBytes} bytes; a ${type.id} may have ${MAX_TEXT_BYTES}`,
    )
  }
  const bytes =
    source.sizeBytes === 0 ? Buffer.alloc(0) : await readAll(await source.read(0, source.sizeBytes))
  return codec.readOutput(decodeUtf8(bytes, parameterName), type, parameterName)
}

/** The stager packed the folder into one zip, which is read once from its start to its end. */
async function readOutputArray(
  { run, output, entry, source }: Produced,
  type: ArrayType,
): Promise<readonly ListedItem[]> {
  const { name } = output
  // A file where a folder is due has no array.yml.
  if (entry.kind !== 'directory') throw parameterError('INTERNAL_MISSING_METADATA', name)
  const zip = await openZip(source, TREE_LIMITS)
  const entries = new Map(zip.entries.map((one) => [one.name.slice(name.length + 1), one]))
  const content = async (path: string): Promise<Buffer> => {
    const found = entries.get(path)
    if (found === undefined) throw parameterError('INTERNAL_MISSING_OUTPUT_FILE_FOR_PARAMETER', name)
    if (found.sizeBytes > MAX_ITEM_BYTES) {
      throw parameterError(
        'INTERNAL_PARAMETER_VALIDATION_ERROR',
        name,
        `the file has ${found.sizeBytes} bytes; an item may have ${MAX_ITEM_BYTES}`,
      )
    }
    return readAll(Readable.from(zip.read(found)))
  }
  return readArray(
    {
      taskRunId: run.id,
      parameterName: name,
      folder: { paths: entries.keys(), text: async (path) => decodeUtf8(await content(path), name) },
      leaf: async (path, leafType) => {
        if (leafType.id === 'file') return undefined
        return readLeaf(bufferSource(await content(path)), leafType, name)
      },
    },
    type,
  )
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
