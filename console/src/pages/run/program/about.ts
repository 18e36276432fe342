import type { Given } from './given.ts'

/** Service, task and run of a program, and the inputs that it gives. */
export interface About {
  /** Base address of the API. */
  readonly base: string
  /** Path of the task. */
  readonly task: string
  /** Path of the run whose inputs are given again. */
  readonly run: string
  readonly given: Given
}
