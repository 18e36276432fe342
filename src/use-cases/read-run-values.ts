import { Readable } from 'node:stream'
import { DomainError, parameterError } from '../domain/errors.ts'
import { codecOf, runValueType } from '../domain/parameters/registry.ts'
import { type FileContent, type InputValue, provisionOf, type Run } from '../domain/run/run.ts'
import type { RunValue } from '../domain/run/run-value.ts'
import { LISTING_NAME, outputListingSchema } from '../domain/staging.ts'
import type { Task } from '../domain/task/task.ts'
import { readAll } from '../formats/read-all.ts'
import type { ObjectStore, RunRepository, TaskRepository } from '../ports.ts'
import { OUTPUTS_NAME } from './collect-outputs.ts'
import { findRunAndTask, parameterNamed } from './find-run.ts'
import { readInputText } from './input-files.ts'

interface Dependencies {
  readonly objects: ObjectStore
  readonly runs: RunRepository
  readonly tasks: TaskRepository
}

/** A stored file (or folder) with the name that the container or a download knows it by. */
export type StoredFile = FileContent & { readonly name: string }

/** Inputs of a run in descriptor order (http-api 5.19). */
export async function listInputs(deps: Dependencies, runId: string): Promise<readonly RunValue[]> {
  const { run, task } = await findRunAndTask(deps, runId)
  const values = await storedInputs(deps, run, task)
  return Promise.all(
    values.map(async ({ input, value }) => {
      const codec = codecOf(input.type)
      const text = codec === undefined ? undefined : await readInputText(deps, value.file)
      return {
        taskRunId: run.id,
        parameterName: input.name,
        type: runValueType(input.type.id),
        value: codec === undefined || text === undefined ? null : codec.listInput(text, input.type),
      }
    }),
  )
}

/** Files of all inputs with their companions, in descriptor order. */
export async function listInputFiles(deps: Dependencies, runId: string): Promise<readonly StoredFile[]> {
  const { run, task } = await findRunAndTask(deps, runId)
  return (await storedInputs(deps, run, task)).flatMap(({ value }) => filesOf(value))
}

/** What the container finds of one input. */
export function filesOf({ parameterName, file, companion }: InputValue): readonly StoredFile[] {
  const named: StoredFile = { name: parameterName, ...file }
  return companion === undefined ? [named] : [named, { name: `${parameterName}.geojson`, ...companion }]
}

async function storedInputs(
  deps: Dependencies,
  run: Run,
  task: Task,
): Promise<readonly { input: Task['inputs'][number]; value: InputValue }[]> {
  if (run.state === 'CREATED') throw new DomainError('INTERNAL_INVALID_TASK_RUN_STATE')
  const stored = new Map((await deps.runs.listInputs(run)).map((value) => [value.parameterName, value]))
  return task.inputs.flatMap((input) => {
    const value = stored.get(input.name)
    return value === undefined ? [] : [{ input, value }]
  })
}

/**
 * One input's file, in any state (http-api 5.20).
 * @param asGeojson the companion is wanted, where there is one
 * @throws DomainError STORAGE_READING_FILE_FAILED when nothing is stored
 */
export async function findInputFile(
  deps: Dependencies,
  runId: string,
  parameterName: string,
  asGeojson: boolean,
): Promise<StoredFile> {
  const { run, task } = await findRunAndTask(deps, runId)
  const input = parameterNamed(task.inputs, parameterName)
  if (input === undefined) throw parameterError('INTERNAL_PARAMETER_DOES_NOT_EXIST', parameterName)
  const provision = provisionOf(run, input.name)
  const value =
    provision?.kind === 'value' ? await deps.runs.findInput(runId, input.name, provision.valueId) : undefined
  if (value === undefined) throw nothingStored(parameterName)
  return { name: input.name, ...((asGeojson ? value.companion : undefined) ?? value.file) }
}

/** The listing that collect-outputs wrote, as JSON text; visible from FINISHED on. */
export async function findOutputListing(deps: Dependencies, runId: string): Promise<StoredFile> {
  const { run } = await findRunAndTask(deps, runId)
  return outputFile(deps, OUTPUTS_NAME, finishedPrefix(run))
}

/** Files of all outputs that were produced, in descriptor order. */
export async function listOutputFiles(deps: Dependencies, runId: string): Promise<readonly StoredFile[]> {
  const { run, task } = await findRunAndTask(deps, runId)
  const prefix = finishedPrefix(run)
  const sizes = new Map<string, number>()
  for await (const { key, sizeBytes } of deps.objects.list(prefix)) {
    sizes.set(key.slice(prefix.length), sizeBytes)
  }
  const listing = await deps.objects.read(`${prefix}${LISTING_NAME}`)
  if (listing === undefined) throw nothingStored(LISTING_NAME)
  const { entries } = outputListingSchema.parse(JSON.parse((await readAll(listing)).toString('utf8')))
  const folders = new Set(entries.flatMap(({ name, kind }) => (kind === 'directory' ? [name] : [])))
  return task.outputs.flatMap(({ name }) => {
    const sizeBytes = sizes.get(name)
    if (sizeBytes === undefined) return []
    return [{ kind: folders.has(name) ? 'tree' : 'object', name, key: `${prefix}${name}`, sizeBytes }]
  })
}

/**
 * One output's file.
 * @throws DomainError STORAGE_READING_FILE_FAILED unless the run is FINISHED and wrote it (run-lifecycle 5)
 */
export async function findOutputFile(
  deps: Dependencies,
  runId: string,
  parameterName: string,
): Promise<StoredFile> {
  const { run, task } = await findRunAndTask(deps, runId)
  const output = parameterNamed(task.outputs, parameterName)
  if (output === undefined) throw parameterError('INTERNAL_PARAMETER_DOES_NOT_EXIST', parameterName)
  if (run.outputsPrefix === undefined) throw nothingStored(parameterName)
  return outputFile(deps, output.name, run.outputsPrefix)
}

function finishedPrefix(run: Run): string {
  if (run.state !== 'FINISHED' || run.outputsPrefix === undefined) {
    throw new DomainError('INTERNAL_INVALID_TASK_RUN_STATE')
  }
  return run.outputsPrefix
}

async function outputFile(deps: Dependencies, name: string, prefix: string): Promise<StoredFile> {
  const key = `${prefix}${name}`
  const sizeBytes = await deps.objects.size(key)
  if (sizeBytes === undefined) throw nothingStored(name)
  return { kind: 'object', name, key, sizeBytes }
}

function nothingStored(parameterName: string): DomainError {
  return new DomainError('STORAGE_READING_FILE_FAILED', {
    type: 'related',
    parameterName,
    description: `Failed to read file ${parameterName}`,
  })
}

/** A stored file's bytes; of a folder, its zip. */
export async function openFile(deps: { readonly objects: ObjectStore }, file: StoredFile): Promise<Readable> {
  if (file.kind === 'inline') return Readable.from([Buffer.from(file.text)])
  const body = await deps.objects.read(file.key)
  if (body === undefined) throw nothingStored(file.name)
  return body
}
