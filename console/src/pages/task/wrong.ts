import { ApiError } from '../../api/client.ts'
import type { TaskInput } from '../../api/types.ts'
import { type Finding, findingsOf } from '../../ui/problem.tsx'
import { type FormValues, problemOf } from './field-values.ts'
import { InputError } from './start-task.ts'

/** Problems by input; `general` is an error that belongs to no input. */
export interface Wrong {
  readonly byInput: Readonly<Record<string, string>>
  readonly general?: unknown
}

export const NOTHING_WRONG: Wrong = { byInput: {} }

/** Problems with the values of a form, by input. */
export function problemsOf(inputs: readonly TaskInput[], values: FormValues): Record<string, string> {
  const found = inputs.flatMap(({ name, type, optional }): [string, string][] => {
    const problem = problemOf(type, values[name] ?? '', optional)
    return problem === undefined ? [] : [[name, problem]]
  })
  return Object.fromEntries(found)
}

/** Assigns each problem that the service reports to its input. */
export function wrongOf(error: unknown, inputs: readonly TaskInput[]): Wrong {
  const cause = error instanceof InputError ? error.cause : error
  if (!(cause instanceof ApiError) || cause.body === undefined) return { byInput: {}, general: error }
  const all = findingsOf(cause.body)
  const owner = error instanceof InputError ? error.input : undefined
  const isKnown = ({ parameter = owner }: Finding): boolean => inputs.some(({ name }) => name === parameter)
  const byInput = Object.fromEntries(
    all.filter(isKnown).map(({ parameter, words }) => [parameter ?? owner ?? '', words]),
  )
  return all.every(isKnown) ? { byInput } : { byInput, general: cause }
}
