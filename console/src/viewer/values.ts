import type { ArrayItem, InnerArray, RunValue } from '../api/types.ts'
import type { LabelledGeometry, Shapes } from './shapes.ts'

/** Values of a run, with their geometries as shapes. */
export interface ReadValues {
  /** Values as listed, but arrays of geometries are empty. */
  readonly values: readonly RunValue[]
  /** Geometries by parameter. */
  readonly shapes: ReadonlyMap<string, Shapes>
}

/** All geometries of a value, with their index paths. */
export function geometriesOf(value: RunValue): LabelledGeometry[] {
  if (value.type === 'GEOMETRY') return [{ label: '', text: value.value }]
  if (value.type !== 'ARRAY' || leafType(value) !== 'GEOMETRY') return []
  return itemsOf(value.value).flatMap(({ label, value: text }) =>
    typeof text === 'string' ? [{ label, text }] : [],
  )
}

type Scalar = Exclude<ArrayItem, InnerArray>['value']

/** Items of all levels that are not arrays themselves, labelled with their index paths. */
export function itemsOf(
  items: readonly ArrayItem[],
  prefix = '',
): { label: string; value: Scalar | undefined }[] {
  return items.flatMap((item) => {
    const label = prefix === '' ? String(item.index) : `${prefix}/${item.index}`
    return 'type' in item ? itemsOf(item.value, label) : [{ label, value: item.value }]
  })
}

/** Whether a list has only the beginning of a value, or of an item of any level. */
export function isTruncated(value: ArrayItem | InnerArray | RunValue): boolean {
  if ('truncated' in value) return value.truncated === true
  return 'type' in value && value.type === 'ARRAY' && value.value.some(isTruncated)
}

/** Type of the innermost items; undefined if an array of arrays has no items. */
export function leafType(value: RunValue | InnerArray): RunValue['type'] | undefined {
  if (value.type !== 'ARRAY') return value.type
  if (value.subType !== 'ARRAY') return value.subType
  const [first] = value.value
  return first !== undefined && 'type' in first ? leafType(first) : undefined
}
