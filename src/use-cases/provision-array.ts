import { DomainError, parameterError } from '../domain/errors.ts'
import type { JsonValue } from '../domain/json.ts'
import {
  type ArrayFile,
  type ArrayType,
  isIndexAllowed,
  parseIndexPath,
  provisionArray,
  provisionItem,
  typeAt,
} from '../domain/parameters/array.ts'
import { nullErrorOf } from '../domain/parameters/registry.ts'
import { hasRoomFor, itemName, placeOf } from '../domain/run/array-provisions.ts'
import type { FileContent, InputValue, Provision, Run } from '../domain/run/run.ts'
import { runInputsPrefix } from '../domain/storage-keys.ts'
import type { ParameterType, Task, TaskInput } from '../domain/task/task.ts'
import { storedZip } from '../formats/zip/stored-zip.ts'
import { levelSizesAround } from './array-inputs.ts'
import { parameterNamed } from './find-run.ts'
import { storeText } from './input-files.ts'
import { storeUploadedValue, type UploadedValue } from './provision-file.ts'
import {
  applyProvision,
  findProvisionableRun,
  type ProvisionDependencies,
  settleState,
} from './provisioning.ts'

/** The array input that a call is about. */
interface ArrayTarget {
  readonly run: Run
  readonly task: Task
  readonly input: TaskInput & { readonly type: ArrayType }
}

/**
 * What a whole array becomes in storage: one object, however many items.
 * @throws DomainError with the contract's code for arrays
 */
export async function storeArray(
  deps: ProvisionDependencies,
  run: Run,
  parameterName: string,
  type: ArrayType,
  value: JsonValue,
): Promise<Provision> {
  const { files, indexes } = provisionArray(value, type, parameterName)
  const size = indexes.length
  const isGapless = (indexes.at(-1) ?? -1) === size - 1
  if (!isGapless && !hasRoomFor(run, parameterName, { indexes })) {
    throw tooMany(parameterName, 'an array of this size may leave out no index')
  }
  const valueId = deps.identity.uuid()
  const file = await storeFolder(deps, run.id, parameterName, valueId, files)
  await deps.runs.putInput({ runId: run.id, parameterName, valueId, file })
  return { kind: 'value', valueId, ...(isGapless ? { size } : { indexes }) }
}

/** The contract knows no limit; the words say what helps. */
function tooMany(parameterName: string, text: string): DomainError {
  return parameterError('INTERNAL_INVALID_COLLECTION_DIMENSIONS', parameterName, text)
}

async function storeFolder(
  deps: ProvisionDependencies,
  runId: string,
  name: string,
  valueId: string,
  files: readonly ArrayFile[],
): Promise<FileContent> {
  const key = `${runInputsPrefix(runId)}${name}/${valueId}`
  function* entries() {
    for (const { path, text } of files) {
      const bytes = Buffer.from(text)
      yield { name: `${name}/${path}`, sizeBytes: bytes.byteLength, bytes }
    }
  }
  return { kind: 'tree', key, sizeBytes: await deps.objects.write(key, storedZip(entries())) }
}

/** Where an item goes: its path as text in answers, its type. */
export interface ArrayItemTarget extends ArrayTarget {
  readonly path: readonly number[]
  readonly itemType: ParameterType
}

/**
 * The item that `indexes?value=` names.
 * @throws DomainError RUN_NOT_FOUND, INTERNAL_PARAMETER_DOES_NOT_EXIST, INTERNAL_PARAMETER_TYPE_ERROR (no array),
 * INTERNAL_INVALID_INDEXES_PATTERN, INTERNAL_WRONG_PROVISION_STRUCTURE (deeper than the array),
 * INTERNAL_INVALID_COLLECTION_DIMENSIONS (beyond the largest size, or more items than a run takes one by one)
 */
export async function findArrayItem(
  deps: ProvisionDependencies,
  runId: string,
  parameterName: string,
  indexes: string | undefined,
): Promise<ArrayItemTarget> {
  const { run, task } = await findProvisionableRun(deps, runId)
  const input = parameterNamed(task.inputs, parameterName)
  if (input === undefined) throw parameterError('INTERNAL_PARAMETER_DOES_NOT_EXIST', parameterName)
  const { type } = input
  if (type.id !== 'array') throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', input.name)
  const path = requireIndexPath(indexes, input.name)
  let level: ParameterType = type
  for (const index of path) {
    if (level.id !== 'array') throw parameterError('INTERNAL_WRONG_PROVISION_STRUCTURE', input.name)
    if (!isIndexAllowed(index, level)) {
      throw parameterError('INTERNAL_INVALID_COLLECTION_DIMENSIONS', input.name)
    }
    level = level.subType
  }
  if (!hasRoomFor(run, itemName(input.name, path), { levelSizes: path })) {
    throw tooMany(
      input.name,
      'a run takes about 2500 items that come one by one; arrays that come whole have no such limit',
    )
  }
  return { run, task, input: { ...input, type }, path, itemType: typeAt(type, path) ?? level }
}

/** @throws DomainError INTERNAL_INVALID_INDEXES_PATTERN (http-api 5.17) */
export function requireIndexPath(indexes: string | undefined, parameterName: string): readonly number[] {
  const path = indexes === undefined ? undefined : parseIndexPath(indexes)
  if (path === undefined) {
    throw new DomainError('INTERNAL_INVALID_INDEXES_PATTERN', {
      type: 'related',
      parameterName,
      description: `indexes [${(indexes ?? '').slice(0, 100)}] is not a valid`,
    })
  }
  return path
}

/** Stores one item that came as JSON; a shorter path than the leaf's takes a list. */
export async function provisionArrayItem(
  deps: ProvisionDependencies,
  target: ArrayItemTarget,
  value: JsonValue,
): Promise<void> {
  const { run, input, path, itemType } = target
  if (value === null) throw parameterError(nullErrorOf(itemType.id), input.name)
  const name = itemName(input.name, path)
  const files = provisionItem(value, itemType, input.name, '')
  const valueId = deps.identity.uuid()
  const [leaf] = files
  const file =
    itemType.id === 'array' || leaf === undefined
      ? await storeFolder(deps, run.id, name, valueId, withoutSlash(files))
      : await storeText(deps, `${runInputsPrefix(run.id)}${name}/${valueId}`, leaf.text)
  await countItem(deps, target, { runId: run.id, parameterName: name, valueId, file })
}

/** Paths of a sub-array start with the slash behind its own, empty, path. */
function withoutSlash(files: readonly ArrayFile[]): readonly ArrayFile[] {
  return files.map((file) => ({ ...file, path: file.path.replace(/^\//u, '') }))
}

/** Stores one item that came as a multipart body: an image or a file. */
export async function provisionArrayItemFile(
  deps: ProvisionDependencies,
  target: ArrayItemTarget,
  uploaded: UploadedValue,
): Promise<void> {
  const name = itemName(target.input.name, target.path)
  const value = await storeUploadedValue(
    deps,
    target.run.id,
    name,
    target.itemType,
    target.input.name,
    uploaded,
  )
  await countItem(deps, target, value)
}

async function countItem(
  deps: ProvisionDependencies,
  { run, task, input, path }: ArrayItemTarget,
  value: InputValue,
): Promise<void> {
  await deps.runs.putInput(value)
  const { base } = placeOf(run, input.name, path.join('/'))
  const levelSizes = await levelSizesAround(deps, run, input.name, path)
  const provision: Provision = {
    kind: 'value',
    valueId: value.valueId,
    base,
    ...(levelSizes === undefined ? {} : { levelSizes }),
  }
  await settleState(deps, await applyProvision(deps, run, value.parameterName, provision), task)
}
