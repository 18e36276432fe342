import type { RunValue } from '../../api/types.ts'
import { type Difference, differenceOf } from './difference.ts'
import { summaryOf } from './summary.ts'

/** A parameter in two runs, small enough for the page: values may have 100 000 geometries. */
export interface Compared {
  readonly name: string
  /** Summaries of the values; undefined for an optional value that was not given. */
  readonly summaries: readonly [string | undefined, string | undefined]
  readonly difference: Difference
  /** Whether it is a single image or file, whose content is not compared. */
  readonly isFile: boolean
}

/** Compares the inputs or outputs of two runs. */
export function compareValues(one: readonly RunValue[], other: readonly RunValue[]): Compared[] {
  const names = new Set([...one, ...other].map(({ parameterName }) => parameterName))
  return [...names].map((name) => {
    const first = one.find(({ parameterName }) => parameterName === name)
    const second = other.find(({ parameterName }) => parameterName === name)
    const type = (first ?? second)?.type
    return {
      name,
      summaries: [first && summaryOf(first), second && summaryOf(second)],
      difference: differenceOf(first, second),
      isFile: type === 'IMAGE' || type === 'FILE',
    }
  })
}
