import * as z from 'zod'

/** Fields of the service's responses that the commands read. */

export const taskListSchema = z.array(
  z.object({
    namespace: z.string(),
    version: z.string(),
    name: z.string(),
    description: z.string().nullish(),
  }),
)

/** Fields of a task that are needed to list its runs. */
export const taskSchema = z.object({ id: z.string() })

const runRowSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  createdAt: z.string().nullish(),
  created_at: z.string().nullish(),
  task: z.object({ namespace: z.string(), version: z.string() }).nullish(),
})
export type RunRow = z.infer<typeof runRowSchema>

/** Runs, and the position of the next page. */
export const runPageSchema = z.object({ content: z.array(runRowSchema), next: z.string().nullish() })

/** The runs of a task are a list; all runs are a page. */
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
