/**
 * Whether lists and mappings nest deeper than `levels`. Stops at that depth, so it is safe on hostile and circular values, which
 * overflow the stack of unbounded recursion (JSON.stringify, schema checks).
 */
export function isNestedDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  const children: readonly unknown[] = Array.isArray(value) ? value : Object.values(value)
  return children.some((child) => isNestedDeeperThan(child, levels - 1))
}
