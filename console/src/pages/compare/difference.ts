import type { RunValue } from '../../api/types.ts'
import { isTruncated, leafType } from '../../viewer/values.ts'

/** Whether two values of a parameter differ. Unknown for files of equal size, because they are not read. */
export type Difference = 'none' | 'some' | 'unknown'

/** Compares two values of a parameter; undefined: an optional value that was not given. */
export function differenceOf(one: RunValue | undefined, other: RunValue | undefined): Difference {
  if (one === undefined || other === undefined) return one === other ? 'none' : 'some'
  const isSame =
    one.type === other.type && fullSizeOf(one) === fullSizeOf(other) && contentOf(one) === contentOf(other)
  if (!isSame) return 'some'
  return isFile(leafType(one)) || isTruncated(one) ? 'unknown' : 'none'
}

/** Keys of an item that belong to its value; other keys name the run, or the place of the item. */
const CONTENT_KEYS = ['index', 'value', 'truncated', 'sizeBytes']

function contentOf({ value }: RunValue): string {
  return JSON.stringify(value, CONTENT_KEYS)
}

function isFile(type: RunValue['type'] | undefined): boolean {
  return type === 'IMAGE' || type === 'FILE'
}

/** Size of a text of which the listing has only the beginning. */
function fullSizeOf(value: RunValue): number | undefined {
  return 'sizeBytes' in value ? value.sizeBytes : undefined
}
