import { Readable } from 'node:stream'
import type { ObjectStore } from '../aws/object-store.ts'
import type { JsonValue } from '../contract/json.ts'
import { findRunAndTask, type Repositories, stateError } from '../run/find-run.ts'
import type { FileContent, InputValue, Run } from '../run/run.ts'
import { continued } from '../shared/continued.ts'
import { inTextChunks } from '../shared/in-text-chunks.ts'
import { readAll } from '../shared/read-all.ts'
import type { ArrayType } from '../task/parameters/array.ts'
import { listArrayItems } from '../task/parameters/array-folder.ts'
import {
  createListedStrings,
  type ListedStrings,
  type ListedValue,
  WHOLE_STRING_BYTES,
} from '../task/parameters/cut-strings.ts'
import { codecOf, runValueType } from '../task/parameters/registry.ts'
import type { ParameterType, Task } from '../task/task.ts'
import { arrayEntries, arrayFolder, entryText, type StoredFile } from './array-inputs.ts'
import { readInputText } from './input-files.ts'
import { findPrepared, preparedInputKey, storePrepared } from './prepared-file.ts'
import { readAhead } from './read-ahead.ts'

interface Dependencies extends Repositories {
  readonly objects: ObjectStore
}

const LISTING_NAME = 'inputs.json'

/** Listings longer than this are stored for later calls. */
const LARGE_LISTING_BYTES = 256 * 1024

/** Bytes read of a long string, more than a listing shows. */
const BEGINNING_BYTES = 4096

/** Maximum size of one byte of text in JSON (`\u0000`). */
const MAX_ESCAPE_BYTES = 6

/**
 * Inputs of a run in descriptor order as JSON (http-api 5.19 and 6.3). Memory: one array item; a long listing is
 * streamed to the bucket.
 * @throws DomainError RUN_NOT_FOUND, INTERNAL_INVALID_TASK_RUN_STATE
 */
export async function findInputListing(deps: Dependencies, runId: string): Promise<StoredFile> {
  const { run, task } = await findRunAndTask(deps, runId)
  if (run.state === 'CREATED')
    throw stateError(run.state, 'inputs can be read once all of them are provisioned (PROVISIONED)')
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
  return sizeBytes * MAX_ESCAPE_BYTES > LARGE_LISTING_BYTES
}

function sizeOfFile(file: FileContent): number {
  return file.kind === 'inline' ? Buffer.byteLength(file.text) : file.sizeBytes
}

async function* listing(
  deps: Dependencies,
  run: Run,
  task: Task,
  stored: readonly InputValue[],
): AsyncGenerator<string, void, undefined> {
  const values = new Map(stored.map((value) => [value.parameterName, value]))
  const strings = createListedStrings(run.id, 'input')
  let separator = '['
  for (const input of task.inputs) {
    const { name, type } = input
    const value = values.get(name)
    const listed = { taskRunId: run.id, parameterName: name, type: runValueType(type.id) }
    if (type.id !== 'array') {
      if (value === undefined) continue
      yield separator + JSON.stringify({ ...listed, ...(await listValue(deps, value, type, strings)) })
    } else {
      const items = await listArray(deps, run, { name, type }, strings)
      if (items === undefined) continue
      yield `${separator}${JSON.stringify(listed).slice(0, -1)},"value":`
      yield* items
      yield `,"subType":"${runValueType(type.subType.id)}"}`
    }
    separator = ','
  }
  yield separator === '[' ? '[]' : ']'
}

/** @returns undefined when nothing was provisioned */
async function listArray(
  deps: Dependencies,
  run: Run,
  { name, type }: { readonly name: string; readonly type: ArrayType },
  strings: ListedStrings,
): Promise<AsyncIterable<string> | undefined> {
  const given = await arrayEntries(deps, run, name, type)
  if (given.size === 0) return undefined
  const entries = new Map(readAhead(given.values()).map((entry) => [entry.name, entry]))
  const leaf = async (path: string, leafType: ParameterType) => {
    const entry = entries.get(`${name}/${path}`)
    const codec = codecOf(leafType)
    if (codec === undefined || entry === undefined) return undefined
    const value = codec.listInput(await entryText(entry), leafType)
    return shown(value, leafType, strings, { parameterName: name, path, sizeBytes: entry.sizeBytes })
  }
  const folder = arrayFolder(entries, name)
  return listArrayItems({ taskRunId: run.id, parameterName: name, folder, leaf }, type)
}

async function listValue(
  deps: Dependencies,
  { file, parameterName }: InputValue,
  type: ParameterType,
  strings: ListedStrings,
): Promise<ListedValue> {
  const codec = codecOf(type)
  if (codec === undefined) return { value: null }
  const of = { parameterName, sizeBytes: sizeOfFile(file) }
  if (type.id === 'string' && file.kind === 'object' && file.sizeBytes > WHOLE_STRING_BYTES) {
    return strings.showBeginning(await readBeginning(deps, file.key), of)
  }
  return shown(codec.listInput(await readInputText(deps, file), type), type, strings, of)
}

/** Shortens long strings; geometries are not shortened, because a part of one is useless. */
function shown(
  value: JsonValue,
  type: ParameterType,
  strings: ListedStrings,
  file: Parameters<ListedStrings['show']>[1],
): ListedValue {
  const isText = type.id === 'string' || type.id === 'enumeration'
  return isText && typeof value === 'string' ? strings.show(value, file) : { value }
}

/** Beginning of a string, which was validated when it was provisioned; the last character may be cut. */
async function readBeginning({ objects }: Dependencies, key: string): Promise<string> {
  const body = await objects.read(key, { start: 0, length: BEGINNING_BYTES })
  if (body === undefined) throw new Error(`there is no object ${key}`)
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(await readAll(body), { stream: true })
}
