import { filePath } from '../../../api/paths.ts'
import type { ArrayItem, InnerArray, RunValue } from '../../../api/types.ts'
import { isTruncated, leafType } from '../../../viewer/values.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** The inputs of a run, by how a program gives them to another run. */
export interface Given {
  /** Values that are part of the program's text. */
  readonly plain: readonly { readonly parameterName: string; readonly value: Json }[]
  /** Long texts and geometries, which the program downloads from this run. */
  readonly texts: readonly { readonly name: string; readonly from: string }[]
  /** Long arrays, which the program reads from the list of this run's inputs. */
  readonly arrays: readonly string[]
  /** Images and files, which the program downloads; `index` is the index path of an array's item, such as `0/1`. */
  readonly files: readonly { readonly name: string; readonly index?: string; readonly from: string }[]
  /** Arrays without items within arrays of images or files. */
  readonly empty: readonly { readonly name: string; readonly index: string }[]
}

type Items = readonly (ArrayItem | InnerArray)[]

/** Maximum length in JSON of a value in the program's text. */
const MAX_INLINE = 2000

export function givenBy(id: string, values: readonly RunValue[]): Given {
  const parts = values.map((value) => partOf(id, value))
  return {
    plain: parts.flatMap(({ plain = [] }) => plain),
    texts: parts.flatMap(({ texts = [] }) => texts),
    arrays: parts.flatMap(({ arrays = [] }) => arrays),
    files: parts.flatMap(({ files = [] }) => files),
    empty: parts.flatMap(({ empty = [] }) => empty),
  }
}

function partOf(id: string, value: RunValue): Partial<Given> {
  const { parameterName: name } = value
  if (value.type === 'IMAGE' || value.type === 'FILE')
    return { files: [{ name, from: filePath(id, 'input', name) }] }
  if (value.type !== 'ARRAY') {
    const json = value.value
    if (isTruncated(value) || isLong(json)) return { texts: [{ name, from: filePath(id, 'input', name) }] }
    return { plain: [{ parameterName: name, value: json }] }
  }
  const leaf = leafType(value)
  if (leaf === 'IMAGE' || leaf === 'FILE') {
    return value.value.length === 0
      ? { plain: [{ parameterName: name, value: [] }] }
      : filesOf(id, name, value.value)
  }
  const json = itemsOf(value.value)
  if (isTruncated(value) || isLong(json)) return { arrays: [name] }
  return { plain: [{ parameterName: name, value: json }] }
}

function isLong(json: Json): boolean {
  return JSON.stringify(json).length > MAX_INLINE
}

/** The value in the form that the service accepts; the items of an array with gaps keep their indexes. */
function itemsOf(items: Items): Json {
  const hasGaps = items.some(({ index }, at) => index !== at)
  return items.map(({ index, value }) => {
    const item = typeof value === 'object' ? itemsOf(value) : (value ?? null)
    return hasGaps ? { index, value: item } : item
  })
}

/** Images or files of all levels of an array. */
function filesOf(id: string, name: string, items: Items): Pick<Given, 'files' | 'empty'> {
  const leaves = leavesOf(items)
  return {
    files: leaves.flatMap(({ path, isEmpty }) =>
      isEmpty ? [] : [{ name, index: path.join('/'), from: filePath(id, 'input', name, path) }],
    ),
    empty: leaves.flatMap(({ path, isEmpty }) => (isEmpty ? [{ name, index: path.join('/') }] : [])),
  }
}

interface Leaf {
  readonly path: readonly number[]
  /** Whether it is an array without items. */
  readonly isEmpty: boolean
}

function leavesOf(items: Items, above: readonly number[] = []): Leaf[] {
  return items.flatMap(({ index, value }) => {
    const path = [...above, index]
    if (typeof value !== 'object') return [{ path, isEmpty: false }]
    return value.length === 0 ? [{ path, isEmpty: true }] : leavesOf(value, path)
  })
}
