import { ARRAY_METADATA } from '../contract/staging.ts'
import type { InputValue, Run } from '../run/run.ts'
import { RunStateConflictError } from '../run/run-repository.ts'
import { mapUntilFailure } from '../shared/map-until-failure.ts'
import type { ArrayFile, ArrayType } from '../task/parameters/array.ts'
import { arrayMetadata, sizeOf } from '../task/parameters/array.ts'
import { codecOf } from '../task/parameters/registry.ts'
import { arrayEntries, entryText } from './array-inputs.ts'
import { itemProvisions, placeOf, topIndexes } from './array-provisions.ts'
import { itemIndexKey } from './item-index.ts'
import type { ProvisionDependencies } from './provisioning.ts'
import { readAhead } from './read-ahead.ts'
import { storeArray } from './store-array.ts'

/*
 * Core sends geometry arrays item by item, and each item is a provision in the run's DynamoDB item of at most 400 KB.
 * From time to time the items are therefore folded into one object, together with the value of the array that was
 * provisioned as a whole.
 */

/**
 * Number of items after which they are folded: about 60 KB of the run. The cost of a write grows with the size of the
 * run, and that of a fold with the size of the array.
 */
const FOLDED_AT_ONCE = 400

/** Maximum size of an array that is folded: its texts are in memory meanwhile. */
const MAX_FOLDED_BYTES = 64 * 1024 * 1024

/** Maximum number of items of an array with gaps that is folded: the run lists each of its indexes. */
const MAX_INDEXES_WITH_GAPS = 5000

const REMOVALS_AT_ONCE = 25

/**
 * Folds an array and its items into one object when the items are many. Arrays of files, images and arrays are not
 * folded. Does nothing when another call changes the inputs meanwhile: a later call folds.
 * @returns the run after the fold
 */
export async function foldItems(
  deps: ProvisionDependencies,
  run: Run,
  input: { readonly name: string; readonly type: ArrayType },
): Promise<Run> {
  const { name, type } = input
  const count = itemProvisions(run, name).size
  if (count === 0 || count % FOLDED_AT_ONCE !== 0 || codecOf(type.subType) === undefined) return run
  const indexes = [...(topIndexes(run, name) ?? [])].sort((a, b) => a - b)
  const hasGaps = sizeOf(indexes) !== indexes.length
  if (hasGaps && indexes.length > MAX_INDEXES_WITH_GAPS) return run
  const files = await readFiles(deps, run, input, indexes)
  if (files === undefined) return run
  const isReplaced = ([known]: readonly [string, unknown]): boolean =>
    known === name || known.startsWith(`${name}/`)
  const present = Object.entries(run.provisions)
  const replaced = Object.fromEntries(present.filter(isReplaced))
  const kept = Object.fromEntries(present.filter((entry) => !isReplaced(entry)))
  const stored = await storeArray(deps, run, name, { files, indexes })
  // An item that arrives meanwhile has the current base, and must still count.
  const whole = { ...stored, itemBase: placeOf(run, name, '0').base }
  try {
    const folded = await deps.runs.replaceProvisions(run.id, {
      from: run.provisions,
      to: { ...kept, [name]: whole },
    })
    await removeValues(deps, await deps.runs.listInputs({ ...run, provisions: replaced }))
    return folded
  } catch (error) {
    if (!(error instanceof RunStateConflictError)) throw error
    await removeValues(deps, await deps.runs.listInputs({ ...run, provisions: { [name]: whole } }))
    return error.run ?? run
  }
}

/** @returns undefined when they are too large to be folded */
async function readFiles(
  deps: ProvisionDependencies,
  run: Run,
  { name, type }: { readonly name: string; readonly type: ArrayType },
  indexes: readonly number[],
): Promise<readonly ArrayFile[] | undefined> {
  const given = await arrayEntries(deps, run, name, type)
  let sizeBytes = 0
  for (const entry of given.values()) sizeBytes += entry.sizeBytes
  if (sizeBytes > MAX_FOLDED_BYTES) return undefined
  const entries = new Map(readAhead(given.values()).map((entry) => [entry.name, entry]))
  const files: ArrayFile[] = [{ path: ARRAY_METADATA, text: arrayMetadata(sizeOf(indexes)) }]
  for (const index of indexes) {
    const entry = entries.get(`${name}/${index}`)
    if (entry === undefined) throw new Error(`item ${index} of ${name} is not stored`)
    files.push({ path: String(index), text: await entryText(entry) })
  }
  return files
}

/** Removes values without reference. Values left after a crash are removed with the run. */
async function removeValues(deps: ProvisionDependencies, values: readonly InputValue[]): Promise<void> {
  const remove = async (value: InputValue): Promise<void> => {
    if (value.file.kind !== 'inline') await deps.objects.remove(value.file.key)
    if (value.file.kind === 'tree') await deps.objects.remove(itemIndexKey(value.file.key))
    await deps.runs.removeInput(value)
  }
  await mapUntilFailure(values, remove, { concurrency: REMOVALS_AT_ONCE })
}
