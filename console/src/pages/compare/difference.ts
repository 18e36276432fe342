import type { ArrayItem, RunValue } from '../../api/types.ts'
import { leafType } from '../../viewer/values.ts'

/** How two values of one parameter relate. Files of one size are not read, so nothing is known of their contents. */
export type Difference = 'none' | 'some' | 'unknown'

/** Compares two values of a parameter; absent ones are optional values that were not given. */
export function differenceOf(one: RunValue | undefined, other: RunValue | undefined): Difference {
  if (one === undefined || other === undefined) return one === other ? 'none' : 'some'
  const isSame =
    one.type === other.type &&
    one.sizeBytes === other.sizeBytes &&
    JSON.stringify(one.value) === JSON.stringify(other.value)
  if (!isSame) return 'some'
  return isFile(leafType(one)) || isCut(one) ? 'unknown' : 'none'
}

function isFile(type: string): boolean {
  return type === 'IMAGE' || type === 'FILE'
}

/** Whether the listing has only the beginning of a value. */
function isCut({ value, truncated }: Pick<ArrayItem, 'value' | 'truncated'> | RunValue): boolean {
  if (truncated === true) return true
  return Array.isArray(value) && (value as readonly ArrayItem[]).some(isCut)
}
