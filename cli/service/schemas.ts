import * as z from 'zod'

/** Fields that the commands read from the service's answers. */

export const taskListSchema = z.array(
  z.object({
    namespace: z.string(),
    version: z.string(),
    name: z.string(),
    description: z.string().nullish(),
  }),
)

/** The part of a task that its runs are found by. */
export const taskSchema = z.object({ id: z.string() })

const runRowSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  createdAt: z.string().nullish(),
  created_at: z.string().nullish(),
  task: z.object({ namespace: z.string(), version: z.string() }).nullish(),
})
export type RunRow = z.infer<typeof runRowSchema>

/** Runs, and where the next page begins. */
export const runPageSchema = z.object({ content: z.array(runRowSchema), next: z.string().nullish() })

/** Runs of a task are a list, all runs a page. */
export const runListSchema = z.union([
  z.array(runRowSchema),
  z.object({ content: z.array(runRowSchema) }).transform(({ content }) => content),
])

export const runSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  error: z
    .object({ kind: z.string().optional(), message: z.string(), exitCode: z.number().optional() })
    .nullish(),
  statusReason: z.string().nullish(),
  /** Names in the output folder that no output has. */
  ignoredFiles: z.array(z.string()).nullish(),
})
export type RunView = z.infer<typeof runSchema>

export const outputsSchema = z.array(
  z.looseObject({ parameterName: z.string(), type: z.string(), value: z.unknown() }),
)

/** Whether stage-out took the output folder of a failed run: its outputs were refused, or its task ended with an exit code. */
export function hasRejectedOutputs({ error }: Pick<RunView, 'error'>): boolean {
  return error?.exitCode !== undefined || error?.kind?.startsWith('output-') === true
}

/** Whether a state is the last one of a run. */
export function isFinal(state: string): boolean {
  return state === 'FINISHED' || state === 'FAILED'
}
