import { type Provision, provisionOf, type Run } from '../run/run.ts'
import { type ArrayType, isComplete } from '../task/parameters/array.ts'
import type { ParameterType } from '../task/task.ts'

/*
 * Provisions of arrays in a run: one under the parameter's name for the whole value, one under `name/index path` for
 * each item, a leaf or a sub-array. An item counts only while its base is current. Provisioning the array, or a
 * sub-array around the item, replaces the base.
 */

type Provisions = Pick<Run, 'provisions'>
type ValueProvision = Extract<Provision, { kind: 'value' }>

/** Key of an item's provision. */
export function itemName(parameterName: string, path: readonly number[]): string {
  return `${parameterName}/${path.join('/')}`
}

/** Holder of an item: the innermost array around it that was provisioned as a whole. */
interface ItemHolder {
  /** Name of the parameter, or of the sub-array. */
  readonly name: string
  readonly valueId: string
}

interface ItemPlace {
  readonly holder: ItemHolder | undefined
  /** Version of the holder: changes when it is provisioned as a whole again, or cleared. */
  readonly base: string
}

/** Current holder and base of an item. The item's provision counts only if it stores the same `base`. */
export function placeOf(run: Provisions, parameterName: string, path: string): ItemPlace {
  const whole = provisionOf(run, parameterName)
  let place: ItemPlace =
    whole?.kind === 'value'
      ? { holder: { name: parameterName, valueId: whole.valueId }, base: whole.itemBase ?? whole.valueId }
      : { holder: undefined, base: whole === undefined ? 'none' : (whole.clearedId ?? 'cleared') }
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    const name = `${parameterName}/${path.slice(0, slash)}`
    const around = provisionOf(run, name)
    if (around?.kind === 'value' && around.base === place.base) {
      place = { holder: { name, valueId: around.valueId }, base: around.valueId }
    }
  }
  return place
}

/** Provisions of single items that count, by index path. */
export function itemProvisions(run: Provisions, parameterName: string): ReadonlyMap<string, ValueProvision> {
  const start = `${parameterName}/`
  const items = new Map<string, ValueProvision>()
  for (const [name, provision] of Object.entries(run.provisions)) {
    if (!name.startsWith(start) || provision.kind !== 'value') continue
    const path = name.slice(start.length)
    if (provision.base === placeOf(run, parameterName, path).base) items.set(path, provision)
  }
  return items
}

/** Indexes at the top level of an array; undefined when nothing was provisioned. */
export function topIndexes(run: Provisions, parameterName: string): ReadonlySet<number> | undefined {
  const whole = provisionOf(run, parameterName)
  const items = itemProvisions(run, parameterName)
  if (items.size === 0 && whole?.kind !== 'value') return undefined
  const indexes = new Set<number>()
  if (whole?.kind === 'value') {
    if (whole.indexes !== undefined) for (const index of whole.indexes) indexes.add(index)
    else addFirst(indexes, whole.size ?? 0)
  }
  for (const path of items.keys()) indexes.add(Number(path.split('/')[0]))
  return indexes
}

function addFirst(indexes: Set<number>, count: number): void {
  for (let index = 0; index < count; index += 1) indexes.add(index)
}

/**
 * Whether every level has an allowed size and no forbidden gap. Inner levels were checked when they were provisioned as
 * a whole, and are checked again only where items changed them; an allowed gap there counts as an item.
 */
export function isArrayComplete(run: Provisions, parameterName: string, type: ArrayType): boolean {
  const indexes = topIndexes(run, parameterName)
  if (indexes === undefined || !isComplete(indexes, type)) return false
  return [...innerLevels(itemProvisions(run, parameterName))].every(([path, inner]) => {
    let level: ParameterType = type
    for (const _ of path.split('/')) if (level.id === 'array') level = level.subType
    return level.id !== 'array' || isComplete(inner, level)
  })
}

/** Indexes in use on levels below the top, by the path of the level. */
function innerLevels(items: ReadonlyMap<string, ValueProvision>): ReadonlyMap<string, ReadonlySet<number>> {
  const levels = new Map<string, Set<number>>()
  const heldSizes = new Map<string, number>()
  for (const [path, { levelSizes = [] }] of items) {
    const indexes = path.split('/').map(Number)
    for (let depth = 1; depth < indexes.length; depth += 1) {
      const levelPath = indexes.slice(0, depth).join('/')
      const level = levels.get(levelPath) ?? new Set()
      levels.set(levelPath, level)
      const heldSize = levelSizes[depth - 1] ?? 0
      // Items with the same holder give the same size.
      if (heldSize > (heldSizes.get(levelPath) ?? 0)) {
        addFirst(level, heldSize)
        heldSizes.set(levelPath, heldSize)
      }
      level.add(indexes[depth] ?? 0)
    }
  }
  return levels
}

/** A run is one DynamoDB item of at most 400 KB; the rest is reserved for its job, its failure and concurrent calls. */
const MAX_PROVISIONS_BYTES = 350_000

/** Estimated size of a provision: keys, two UUIDs and the overhead of a map. */
const PROVISION_BYTES = 120

/** Upper bound of the size of a number in a list. */
const NUMBER_BYTES = 8

/**
 * Whether the run's item has space for one more provision. It has space for about 2 500 single items, or 40 000 indexes
 * with gaps.
 */
export function hasRoomFor(
  run: Provisions,
  name: string,
  numbers: Pick<ValueProvision, 'indexes' | 'levelSizes'> = {},
): boolean {
  let sizeBytes = storedBytes(name, numbers)
  for (const [known, provision] of Object.entries(run.provisions)) {
    if (known !== name) sizeBytes += storedBytes(known, provision.kind === 'value' ? provision : {})
  }
  return sizeBytes <= MAX_PROVISIONS_BYTES
}

function storedBytes(
  name: string,
  { indexes, levelSizes }: Partial<Pick<ValueProvision, 'indexes' | 'levelSizes'>>,
): number {
  const numbers = (indexes?.length ?? 0) + (levelSizes?.length ?? 0)
  return name.length + PROVISION_BYTES + numbers * NUMBER_BYTES
}
