import type { RunValue } from '../../api/types.ts'
import { formatCount, plural } from '../../ui/format.ts'
import { itemsOf, leafType } from '../../viewer/values.ts'

/** Maximum number of characters that a cell shows. */
const MAX_SHOWN = 200
const MAX_ITEMS = 10

/** One line for a value; mean and range for long arrays of numbers. */
export function summaryOf(value: RunValue): string {
  if (value.type === 'IMAGE' || value.type === 'FILE') return value.type.toLowerCase()
  if (value.type !== 'ARRAY') return cut(String(value.value))
  const items = itemsOf(value.value)
  const leaf = leafType(value)
  if (leaf === 'GEOMETRY') return plural(items.length, 'geometry', 'geometries')
  if (leaf === 'IMAGE' || leaf === 'FILE') return plural(items.length, leaf.toLowerCase())
  if (items.length > MAX_ITEMS && (leaf === 'NUMBER' || leaf === 'INTEGER'))
    return statistics(items.map((item) => Number(item.value)))
  return cut(items.length === 0 ? 'no items' : items.map((item) => String(item.value)).join(', '))
}

function statistics(numbers: readonly number[]): string {
  const finite = numbers.filter(Number.isFinite)
  let [least, most, sum] = [Infinity, -Infinity, 0]
  for (const number of finite) {
    least = Math.min(least, number)
    most = Math.max(most, number)
    sum += number
  }
  const mean = formatCount(sum / Math.max(1, finite.length))
  return `${plural(numbers.length, 'item')}, mean ${mean}, from ${formatCount(least)} to ${formatCount(most)}`
}

function cut(text: string): string {
  return text.length > MAX_SHOWN
    ? `${text.slice(0, MAX_SHOWN)}… (${formatCount(text.length)} characters)`
    : text
}
