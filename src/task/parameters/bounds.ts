import { type ErrorName, parameterError } from '../../contract/errors.ts'
import type { Bounds } from '../task.ts'

/** In the contract's order (parameter-io 3): the first violated bound is reported. */
const CHECKS = [
  ['gt', 'INTERNAL_PARAMETER_GT_VALIDATION_ERROR', 'more than', (value, bound) => value <= bound],
  ['geq', 'INTERNAL_PARAMETER_GEQ_VALIDATION_ERROR', 'at least', (value, bound) => value < bound],
  ['lt', 'INTERNAL_PARAMETER_LT_VALIDATION_ERROR', 'less than', (value, bound) => value >= bound],
  ['leq', 'INTERNAL_PARAMETER_LEQ_VALIDATION_ERROR', 'at most', (value, bound) => value > bound],
] as const satisfies readonly (readonly [
  keyof Bounds,
  ErrorName,
  expected: string,
  breaks: (value: number, bound: number) => boolean,
])[]

/**
 * Checks a number against all bounds that are set. NaN passes, because all its comparisons are false.
 * @throws DomainError for the first violated bound
 */
export function checkBounds(value: number, bounds: Bounds, parameterName: string): void {
  for (const [key, error, expected, breaks] of CHECKS) {
    const bound = bounds[key]
    if (bound === undefined || !breaks(value, bound)) continue
    throw parameterError(
      error,
      parameterName,
      `${value} is out of bounds; expected ${expected} ${bound} (${key})`,
    )
  }
}
