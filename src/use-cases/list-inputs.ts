import { Readable } from 'node:stream'
import { continued } from '../continued.ts'
import { DomainError } from '../domain/errors.ts'
import { type ArrayType, listArrayItems } from '../domain/parameters/array.ts'
import { codecOf, runValueType } from '../domain/parameters/registry.ts'
import type { FileContent, InputValue, Run } from '../domain/run/run.ts'
import type { ParameterType, Task } from '../domain/task/task.ts'
import { inTextChunks } from '../formats/in-text-chunks.ts'
import type { ObjectStore, RunRepository, TaskRepository } from '../ports.ts'
import { arrayEntries, arrayFolder, entryText, type StoredFile } from './array-inputs.ts'
import { decodeUtf8Pieces } from './decode-utf8.ts'
import { findRunAndTask } from './find-run.ts'
import { readInputText } from './input-files.ts'
import { openObject } from './object-source.ts'
import { findPrepared, preparedInputKey, storePrepared } from './prepared-file.ts'
import { readAhead } from './read-ahead.ts'

interface Dependencies {
  readonly objects: ObjectStore
  readonly runs: RunRepository
  readonly tasks: TaskRepository
}

const LISTING_NAME = 'inputs.json'

/** Longer listings are kept for the next one who asks. */
const LARGE_LISTING_BYTES = 256 * 1024

/** A byte of a text in JSON, where it is written as `\u0000`. */
const LARGEST_ESCAPE_BYTES = 6

/**
 * Inputs of a run in descriptor order as JSON (http-api 5.19 and 6.3). Of an array one item is held at a time; a long listing is
 * written to the bucket as it is made.
 * @throws DomainError RUN_NOT_FOUND, INTERNAL_INVALID_TASK_RUN_STATE
 */
export async function findInputListing(deps: Dependencies, runId: string): Promise<StoredFile> {
  const { run, task } = await findRunAndTask(deps, runId)
  if (run.state === 'CREATED') throw new DomainError('INTERNAL_INVALID_TASK_RUN_STATE')
  const stored = await deps.runs.listInputs(run)
  const place = {
    key: preparedInputKey(run, LISTING_NAME),
    name: LISTING_NAME,
    contentType: 'application/json',
  }
  if (isPerhapsLarge(stored)) {
    const prepared = await findPrepared(deps, place)
    if (prepared !== undefined) return prepared
  }
  const chunks = inTextChunks(listing(deps, run, task, stored))
  const beginning: Buffer[] = []
  let sizeBytes = 0
  while (sizeBytes <= LARGE_LISTING_BYTES) {
    const { value, done } = await chunks.next()
    if (done === true)
      return { kind: 'inline', name: LISTING_NAME, text: Buffer.concat(beginning).toString() }
    beginning.push(value)
    sizeBytes += value.length
  }
  return storePrepared(deps, runId, place, Readable.from(continued(beginning, chunks)))
}

function isPerhapsLarge(stored: readonly InputValue[]): boolean {
  const sizeBytes = stored.reduce((sum, { file }) => sum + sizeOfFile(file), 0)
  return sizeBytes * LARGEST_ESCAPE_BYTES > LARGE_LISTING_BYTES
}

function sizeOfFile(file: FileContent): number {
  return file.kind === 'inline' ? file.text.length : file.sizeBytes
}

async function* listing(
  deps: Dependencies,
  run: Run,
  task: Task,
  stored: readonly InputValue[],
): AsyncGenerator<string, void, undefined> {
  const values = new Map(stored.map((value) => [value.parameterName, value]))
  let separator = '['
  for (const input of task.inputs) {
    const { name, type } = input
    const value = values.get(name)
    const pieces =
      type.id === 'array' ? await listArray(deps, run, name, type) : value && listValue(deps, value, type)
    if (pieces === undefined) continue
    const listed = { taskRunId: run.id, parameterName: name, type: runValueType(type.id) }
    yield `${separator}${JSON.stringify(listed).slice(0, -1)},"value":`
    yield* pieces
    yield type.id === 'array' ? `,"subType":"${runValueType(type.subType.id)}"}` : '}'
    separator = ','
  }
  yield separator === '[' ? '[]' : ']'
}

/** @returns undefined when nothing was given of it */
async function listArray(
  deps: Dependencies,
  run: Run,
  name: string,
  type: ArrayType,
): Promise<AsyncIterable<string> | undefined> {
  const given = await arrayEntries(deps, run, name, type)
  if (given.size === 0) return undefined
  const entries = new Map(readAhead(given.values()).map((entry) => [entry.name, entry]))
  const leaf = async (path: string, leafType: ParameterType) => {
    const entry = entries.get(`${name}/${path}`)
    const codec = codecOf(leafType)
    if (codec === undefined || entry === undefined) return undefined
    return codec.listInput(await entryText(entry), leafType)
  }
  const folder = arrayFolder(entries, name)
  return listArrayItems({ taskRunId: run.id, parameterName: name, folder, leaf }, type)
}

async function* listValue(
  deps: Dependencies,
  { file, parameterName }: InputValue,
  type: ParameterType,
): AsyncGenerator<string, void, undefined> {
  const codec = codecOf(type)
  if (codec === undefined) yield 'null'
  else if (type.id === 'string' && file.kind === 'object') yield* streamString(deps, file.key, parameterName)
  else yield JSON.stringify(codec.listInput(await readInputText(deps, file), type))
}

/** A long string, as it was given. */
async function* streamString(
  deps: Dependencies,
  key: string,
  parameterName: string,
): AsyncGenerator<string, void, undefined> {
  const pieces = decodeUtf8Pieces(await openObject(deps.objects, key), parameterName, { ignoreBOM: true })
  yield '"'
  for await (const text of pieces) yield JSON.stringify(text).slice(1, -1)
  yield '"'
}
