/** Parts of the id of a set's run: the beginning of the set's id, the round (0 in the set's own id) and the row. */
const OF_SET = /^([0-9a-f]{8}-[0-9a-f]{4}-8.{15})(?!00)[0-9a-f]{2}([0-9a-f]{4})$/u

/** Set and row of a run; undefined for a run outside of sets. Ids of version 8 are those of sets. */
export function placeInSet(runId: string): { readonly setId: string; readonly row: number } | undefined {
  const [, beginning, row = ''] = OF_SET.exec(runId) ?? []
  if (beginning === undefined) return undefined
  return { setId: `${beginning}000000`, row: Number.parseInt(row, 16) + 1 }
}
