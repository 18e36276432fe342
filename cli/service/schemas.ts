import * as z from 'zod'
import type { ListedRun, Run, RunFailure } from '../../lambdas/api/openapi/run-schemas.ts'
import type { RunValue } from '../../lambdas/api/openapi/run-value-schemas.ts'
import type { TaskDescription } from '../../lambdas/api/openapi/task-schemas.ts'

/*
 * Fields of the service's responses that the commands read. They accept more values than the API's own schemas, because the service may
 * be the Java App Engine or another version of this one.
 */

/** Fields of a response that the program reads; the compiler refuses one that the API does not have. */
export type FieldsOf<Response> = { readonly [Key in keyof Response]?: z.ZodType }

const taskName = { namespace: z.string(), version: z.string() } satisfies FieldsOf<TaskDescription>

export const taskListSchema = z.array(
  z.object({
    ...taskName,
    name: z.string(),
    description: z.string().nullish(),
  } satisfies FieldsOf<TaskDescription>),
)

/** Fields of a task that are needed to list its runs. */
export const taskSchema = z.object({ id: z.string() } satisfies FieldsOf<TaskDescription>)

const runRowSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  createdAt: z.string().nullish(),
  /** Name of the time in the Java App Engine. */
  created_at: z.string().nullish(),
  task: z.object(taskName).nullish(),
} satisfies FieldsOf<ListedRun & { readonly created_at: string }>)
export type RunRow = z.infer<typeof runRowSchema>

/** Page of runs; `next` is the cursor of the next page. */
export const runPageSchema = z.object({ content: z.array(runRowSchema), next: z.string().nullish() })

/** The service lists the runs of a task as an array, and all runs as a page. */
export const runListSchema = z.union([
  z.array(runRowSchema),
  z.object({ content: z.array(runRowSchema) }).transform(({ content }) => content),
])

export const runSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  error: z
    .object({
      kind: z.string().optional(),
      message: z.string(),
      exitCode: z.number().optional(),
    } satisfies FieldsOf<RunFailure>)
    .nullish(),
  statusReason: z.string().nullish(),
  /** Files in the output folder for which no output is declared. */
  ignoredFiles: z.array(z.string()).nullish(),
} satisfies FieldsOf<Run>)
export type RunView = z.infer<typeof runSchema>

export const outputsSchema = z.array(
  z.looseObject({
    parameterName: z.string(),
    type: z.string(),
    value: z.unknown(),
  } satisfies FieldsOf<RunValue>),
)

/** Whether stage-out stored the output folder of a failed run: the task exited with a code, or its outputs were refused. */
export function hasRejectedOutputs({ error }: Pick<RunView, 'error'>): boolean {
  return error?.exitCode !== undefined || error?.kind?.startsWith('output-') === true
}

/** Whether a state is the last one of a run. */
export function isFinal(state: string): boolean {
  return state === 'FINISHED' || state === 'FAILED'
}
