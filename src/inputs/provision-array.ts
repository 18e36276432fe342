import { DomainError, parameterError } from '../contract/errors.ts'
import type { JsonValue } from '../contract/json.ts'
import { printable, quoted } from '../contract/quoted.ts'
import { inputValueKey } from '../contract/storage-keys.ts'
import { type RunAndTask, requireParameter } from '../run/find-run.ts'
import type { InputValue, Provision } from '../run/run.ts'
import {
  type ArrayFile,
  type ArrayType,
  indexFault,
  isIndexAllowed,
  nullError,
  parseIndexPath,
  provisionItem,
  typeAt,
} from '../task/parameters/array.ts'
import { atItem } from '../task/parameters/item-problems.ts'
import type { ParameterType, TaskInput } from '../task/task.ts'
import { levelSizesAround } from './array-inputs.ts'
import { hasRoomFor, itemName, placeOf } from './array-provisions.ts'
import { foldItems } from './fold-items.ts'
import { storeText } from './input-files.ts'
import { type SentValue, storeSentValue } from './provision-file.ts'
import {
  applyProvision,
  type ProvisionDependencies,
  requireProvisionable,
  settleState,
} from './provisioning.ts'
import { folderOf, storeFolder, tooMany } from './store-array.ts'

/** An array input of a run. */
interface ArrayTarget extends RunAndTask {
  readonly input: TaskInput & { readonly type: ArrayType }
}

/** An item of an array input. */
export interface ArrayItemTarget extends ArrayTarget {
  readonly path: readonly number[]
  readonly itemType: ParameterType
}

/**
 * Finds the item that `indexes?value=` names.
 * @throws DomainError INTERNAL_INVALID_TASK_RUN_STATE, INTERNAL_PARAMETER_DOES_NOT_EXIST, INTERNAL_PARAMETER_TYPE_ERROR
 * (not an array), INTERNAL_INVALID_INDEXES_PATTERN, INTERNAL_WRONG_PROVISION_STRUCTURE (deeper than the array),
 * INTERNAL_INVALID_COLLECTION_DIMENSIONS (beyond the maximum size, or more single items than a run can store)
 */
export function findArrayItem(
  { run, task }: RunAndTask,
  parameterName: string,
  indexes: string | undefined,
): ArrayItemTarget {
  requireProvisionable(run)
  const input = requireParameter(task.inputs, parameterName)
  const { type } = input
  if (type.id !== 'array') throw noArray(type, input.name)
  const path = requireIndexPath(indexes, input.name)
  let level: ParameterType = type
  for (const index of path) {
    if (level.id !== 'array') {
      const words = `the index ${printable(path.join('/'), 60)} is deeper than the array, whose items are of type ${level.id}`
      throw parameterError('INTERNAL_WRONG_PROVISION_STRUCTURE', input.name, words)
    }
    if (!isIndexAllowed(index, level)) {
      throw parameterError('INTERNAL_INVALID_COLLECTION_DIMENSIONS', input.name, indexFault(index, level))
    }
    level = level.subType
  }
  if (!hasRoomFor(run, itemName(input.name, path), { levelSizes: path })) {
    throw tooMany(
      input.name,
      'a run can store about 2500 images, files or arrays that are provisioned one by one; provision the array as a whole, which has no such limit',
    )
  }
  return { run, task, input: { ...input, type }, path, itemType: typeAt(type, path) ?? level }
}

/** Error for an index into a parameter that is not an array. */
export function noArray({ id }: ParameterType, parameterName: string): DomainError {
  const words = `it has no items, as its type is ${id}; leave out /indexes`
  return parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName, words)
}

/** @throws DomainError INTERNAL_INVALID_INDEXES_PATTERN (http-api 5.17) */
export function requireIndexPath(indexes: string | undefined, parameterName: string): readonly number[] {
  const path = indexes === undefined ? undefined : parseIndexPath(indexes)
  if (path === undefined) {
    throw new DomainError(
      'INTERNAL_INVALID_INDEXES_PATTERN',
      {
        type: 'related',
        parameterName,
        description: `indexes [${printable(indexes ?? '')}] is not a valid`,
      },
      {
        words: `${quoted(indexes ?? '', 60)} is not an index; expected a number without leading zeros, such as ?value=0, or several for nested arrays, such as ?value=0/2`,
      },
    )
  }
  return path
}

/** Stores one item from JSON: a list when the path ends at a sub-array. */
export async function provisionArrayItem(
  deps: ProvisionDependencies,
  target: ArrayItemTarget,
  value: JsonValue,
): Promise<void> {
  const { run, input, path, itemType } = target
  const name = itemName(input.name, path)
  const files = checkItem(value, target)
  const valueId = deps.identity.uuid()
  const [leaf] = files
  const key = inputValueKey(run.id, name, valueId)
  const file =
    itemType.id === 'array' || leaf === undefined
      ? await storeFolder(deps, key, folderOf(name, withoutSlash(files)))
      : await storeText(deps, key, leaf.text)
  await countItem(deps, target, { runId: run.id, parameterName: name, valueId, file })
}

/** @throws DomainError naming the item */
function checkItem(
  value: JsonValue,
  { input: { name }, itemType, path }: ArrayItemTarget,
): readonly ArrayFile[] {
  try {
    if (value === null) throw nullError(itemType, name)
    return provisionItem(value, itemType, name, '')
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    throw atItem(error, name, [...path, ...(error.item === undefined ? [] : [error.item])].join('/'))
  }
}

/** Removes the slash at the start of a sub-array's paths. */
function withoutSlash(files: readonly ArrayFile[]): readonly ArrayFile[] {
  return files.map((file) => ({ ...file, path: file.path.replace(/^\//u, '') }))
}

/** Stores one item from a file: an image or a file. */
export async function provisionArrayItemFile(
  deps: ProvisionDependencies,
  target: ArrayItemTarget,
  sent: SentValue,
): Promise<void> {
  const name = itemName(target.input.name, target.path)
  const { run, input, itemType } = target
  const value = await storeSentValue(deps, run.id, { name, type: itemType, parameterName: input.name }, sent)
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
  const changed = await applyProvision(deps, run, value.parameterName, provision)
  await settleState(deps, await foldItems(deps, changed, input), task)
}
