import type { ArrayItem, RunValue } from '../api/types.ts'
import type { LabelledGeometry, Shapes } from './shapes.ts'

/** Values of a run, with their geometries as shapes. */
export interface ReadValues {
  /** Without the texts of geometries that are items of arrays. */
  readonly values: readonly RunValue[]
  /** By parameter. */
  readonly shapes: ReadonlyMap<string, Shapes>
}

export type ValuesAnswer =
  | { readonly values: readonly RunValue[]; readonly shapes: readonly (readonly [string, Shapes])[] }
  | { readonly status: number; readonly body: string }

/** All geometries of a value, with their index paths. */
export function geometriesOf(value: RunValue): LabelledGeometry[] {
  if (value.type === 'GEOMETRY' && typeof value.value === 'string') return [{ label: '', text: value.value }]
  if (!Array.isArray(value.value) || leafType(value) !== 'GEOMETRY') return []
  return itemsOf(value.value as readonly ArrayItem[]).flatMap(({ label, value: text }) =>
    typeof text === 'string' ? [{ label, text }] : [],
  )
}

/** Items of all levels, with their index paths. */
export function itemsOf(
  items: readonly ArrayItem[],
  prefix = '',
): { label: string; value: ArrayItem['value'] }[] {
  return items.flatMap((item) => {
    const label = prefix === '' ? String(item.index) : `${prefix}/${item.index}`
    return Array.isArray(item.value)
      ? itemsOf(item.value as readonly ArrayItem[], label)
      : [{ label, value: item.value }]
  })
}

interface Typed {
  readonly type: string
  readonly subType?: string
  readonly value?: unknown
}

/** Type of the innermost items. */
export function leafType({ type, subType, value }: Typed): string {
  if (type !== 'ARRAY') return type
  if (subType !== 'ARRAY') return subType ?? ''
  const [first] = Array.isArray(value) ? (value as readonly Typed[]) : []
  return first === undefined ? '' : leafType(first)
}
