/** Finds the sorted names that start with `folder`, which ends with a slash. */
export type NamesBelow = (folder: string) => readonly string[]

/**
 * Prefix index over the names of a zip. The first call sorts the names; later calls take O(log n) plus the result.
 * Memory: 8 bytes a name.
 */
export function namesBelow(names: () => Iterable<string>): NamesBelow {
  let sorted: readonly string[] | undefined
  return (folder) => {
    // Sorted by code unit, names with one prefix are adjacent.
    sorted ??= [...names()].sort()
    const start = firstNotBefore(sorted, folder)
    let end = start
    while (sorted[end]?.startsWith(folder) === true) end += 1
    return sorted.slice(start, end)
  }
}

function firstNotBefore(sorted: readonly string[], text: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? '') < text) low = middle + 1
    else high = middle
  }
  return low
}
