import { type ArrayType, isComplete } from '../parameters/array.ts'
import { type Provision, provisionOf, type Run } from './run.ts'

/*
 * How a run remembers arrays: one provision under the parameter's name for what was given whole, one under `name/index path` for
 * each item that came by itself. An item counts as long as the array is the one that it was an item of.
 */

type Provisions = Pick<Run, 'provisions'>

/** Stands for what is stored of a whole array at the moment; giving the array anew, or clearing it, changes it. */
export function arrayBase(run: Provisions, parameterName: string): string {
  const whole = provisionOf(run, parameterName)
  return whole === undefined ? 'none' : whole.kind === 'cleared' ? 'cleared' : whole.valueId
}

/** Name under which an item is stored. */
export function itemName(parameterName: string, path: readonly number[]): string {
  return `${parameterName}/${path.join('/')}`
}

/** Items that came by themselves and still count, by index path. */
export function itemProvisions(
  run: Provisions,
  parameterName: string,
): ReadonlyMap<string, Extract<Provision, { kind: 'value' }>> {
  const base = arrayBase(run, parameterName)
  const start = `${parameterName}/`
  const items = new Map<string, Extract<Provision, { kind: 'value' }>>()
  for (const [name, provision] of Object.entries(run.provisions)) {
    if (!name.startsWith(start) || provision.kind !== 'value' || provision.base !== base) continue
    items.set(name.slice(start.length), provision)
  }
  return items
}

/** Indexes at the top level of an array; undefined when nothing was given of it. */
export function topIndexes(run: Provisions, parameterName: string): ReadonlySet<number> | undefined {
  const whole = provisionOf(run, parameterName)
  const items = itemProvisions(run, parameterName)
  if (items.size === 0 && whole?.kind !== 'value') return undefined
  const indexes = new Set<number>()
  if (whole?.kind === 'value') {
    if (whole.indexes !== undefined) for (const index of whole.indexes) indexes.add(index)
    else for (let index = 0; index < (whole.size ?? 0); index += 1) indexes.add(index)
  }
  for (const path of items.keys()) indexes.add(Number(path.split('/')[0]))
  return indexes
}

/** Every level has an allowed size and no forbidden gap. Inner levels of an array that was given whole were checked then. */
export function isArrayComplete(run: Provisions, parameterName: string, type: ArrayType): boolean {
  const indexes = topIndexes(run, parameterName)
  if (indexes === undefined || !isComplete(indexes, type)) return false
  const isWhole = provisionOf(run, parameterName)?.kind === 'value'
  return isWhole || areLevelsComplete([...itemProvisions(run, parameterName).keys()], type.subType)
}

function areLevelsComplete(paths: readonly string[], type: ArrayType['subType']): boolean {
  if (type.id !== 'array') return true
  const inner = new Map<string, string[]>()
  for (const path of paths) {
    const slash = path.indexOf('/')
    // A sub-array that came whole was checked then.
    if (slash < 0) continue
    const known = inner.get(path.slice(0, slash)) ?? []
    known.push(path.slice(slash + 1))
    inner.set(path.slice(0, slash), known)
  }
  return [...inner].every(([index, rest]) => {
    if (paths.includes(index)) return true
    const indexes = new Set(rest.map((path) => Number(path.split('/')[0])))
    return isComplete(indexes, type) && areLevelsComplete(rest, type.subType)
  })
}
