import { type DomainError, parameterError } from '../contract/errors.ts'
import type { Task } from '../task/task.ts'

/** Indexes at the top level of a parameter's array; undefined when it is absent. */
type IndexesOf = (reference: string) => ReadonlySet<number> | undefined

/**
 * Problems of arrays that must match (run-lifecycle 6): within a group all have the same size and the same indexes; an absent one
 * only matches absent or empty ones.
 * @param isDecided which references (`inputs/x`, `outputs/y`) can be compared at this moment
 */
export function matchingProblems(
  task: Pick<Task, 'matchingGroups'>,
  isDecided: (reference: string) => boolean,
  indexesOf: IndexesOf,
): readonly DomainError[] {
  return task.matchingGroups.flatMap((group) => {
    const [first, ...others] = group.filter(isDecided)
    if (first === undefined) return []
    const wanted = indexesOf(first) ?? new Set<number>()
    return others.flatMap((reference) => {
      const found = indexesOf(reference) ?? new Set<number>()
      if (found.size !== wanted.size)
        return [
          notMatching(
            'INTERNAL_NOT_MATCHING_DIFF_SIZE',
            reference,
            `it has ${found.size} items, and ${first} has ${wanted.size}; expected the same number in both`,
          ),
        ]
      const odd = [...found].find((index) => !wanted.has(index))
      if (odd === undefined) return []
      const words = `it has an item ${odd}, and ${first} has none of that index; expected the same indexes in both`
      return [notMatching('INTERNAL_NOT_MATCHING_NOT_ALIGNED_INDEXES', reference, words)]
    })
  })
}

function notMatching(
  error: 'INTERNAL_NOT_MATCHING_DIFF_SIZE' | 'INTERNAL_NOT_MATCHING_NOT_ALIGNED_INDEXES',
  reference: string,
  words: string,
): DomainError {
  const parameterName = reference.slice(reference.indexOf('/') + 1)
  return parameterError(error, parameterName, words)
}
