import { type DomainError, parameterError } from '../contract/errors.ts'
import type { Task } from '../task/task.ts'

/** Top-level indexes of an array parameter; undefined when it has no value. */
type IndexesOf = (reference: string) => ReadonlySet<number> | undefined

/**
 * Problems of arrays that must match (run-lifecycle 6): all arrays of a group have the same size and the same indexes.
 * An array without a value matches only empty ones or others without a value.
 * @param isDecided whether a reference (`inputs/x`, `outputs/y`) can be compared now
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
            `it has ${found.size} items, but ${first} has ${wanted.size}; expected the same number in both`,
          ),
        ]
      const odd = [...found].find((index) => !wanted.has(index))
      if (odd === undefined) return []
      const words = `it has an item ${odd}, but ${first} has no item of that index; expected the same indexes in both`
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
