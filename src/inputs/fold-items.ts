import pMap from 'p-map'
import type { InputValue, Run } from '../run/run.ts'
import { RunStateConflictError } from '../run/run-repository.ts'
import type { ArrayFile, ArrayType } from '../task/parameters/array.ts'
import { ARRAY_METADATA, arrayMetadata, sizeOf } from '../task/parameters/array.ts'
import { codecOf } from '../task/parameters/registry.ts'
import { arrayEntries, entryText } from './array-inputs.ts'
import { itemProvisions, placeOf, topIndexes } from './array-provisions.ts'
import { itemIndexKey } from './item-index.ts'
import type { ProvisionDependencies } from './provisioning.ts'
import { readAhead } from './read-ahead.ts'
import { storeArray } from './store-array.ts'

/*
 * Core sends the items of geometry arrays one by one, and the run remembers each of them in its item, which DynamoDB limits to
 * 400 KB. Now and then the items therefore become one object together with those before them, as if the array had come whole.
 */

/** So many items take some 60 KB of the run; each write of the run costs by its size, each folding by that of the array. */
const FOLDED_AT_ONCE = 400

/** The texts are in memory while they are folded. */
const MAX_FOLDED_BYTES = 64 * 1024 * 1024

/** Each index of an array with gaps is remembered in the run. */
const MAX_INDEXES_WITH_GAPS = 5000

const REMOVALS_AT_ONCE = 25

/**
 * Makes one object of an array and the items that were laid over it, when these have become many. Arrays of files, images and arrays
 * stay as they are. Nothing happens when another call changed the inputs meanwhile: a later one folds.
 * @returns the run as it is then
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
  // An item that comes while this goes on was laid over what is there now, and has to count.
  const whole = { ...stored, itemBase: placeOf(run, name, '0').base }
  try {
    const folded = await deps.runs.replaceProvisions(run.id, {
      from: run.provisions,
      to: { ...kept, [name]: whole },
    })
    await forget(deps, await deps.runs.listInputs({ ...run, provisions: replaced }))
    return folded
  } catch (error) {
    if (!(error instanceof RunStateConflictError)) throw error
    await forget(deps, await deps.runs.listInputs({ ...run, provisions: { [name]: whole } }))
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

/** What nobody points at any more; what is left after a crash goes with the run. */
async function forget(deps: ProvisionDependencies, values: readonly InputValue[]): Promise<void> {
  const remove = async (value: InputValue): Promise<void> => {
    if (value.file.kind !== 'inline') await deps.objects.remove(value.file.key)
    if (value.file.kind === 'tree') await deps.objects.remove(itemIndexKey(value.file.key))
    await deps.runs.removeInput(value)
  }
  await pMap(values, remove, { concurrency: REMOVALS_AT_ONCE })
}
