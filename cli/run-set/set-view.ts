import * as z from 'zod'
import type { ListedRunSet, RunSet, RunSetRun } from '../../lambdas/api/openapi/run-set-schemas.ts'
import { isSetId } from '../../src/contract/set-run-id.ts'
import type { FieldsOf } from '../service/schemas.ts'
import type { Service } from '../service/service.ts'
import { usageError } from '../terminal/command-error.ts'

const reason = { kind: z.string(), message: z.string() }

const listedSetSchema = z.looseObject({
  id: z.string(),
  name: z.string().nullish(),
  task: z.object({ namespace: z.string(), version: z.string() }).nullish(),
  state: z.string(),
  createdAt: z.string(),
  round: z.number(),
  rows: z.number(),
  counts: z.object({
    waiting: z.number(),
    active: z.number(),
    finished: z.number(),
    failed: z.number(),
    /** Absent in responses of earlier versions of the service. */
    skipped: z.number().default(0),
  }),
  cost: z.object({ usd: z.number(), remainingUsd: z.number().optional() }),
} satisfies FieldsOf<ListedRunSet>)
/** A run set in a listing. */
export type ListedSet = z.infer<typeof listedSetSchema>

const problemSchema = z.object({
  row: z.number().nullable(),
  column: z.string().nullable(),
  message: z.string(),
} satisfies FieldsOf<NonNullable<RunSet['problems']>['content'][number]>)
/** Problem of a value in a table. Rows are counted from 1; null stands for shared values. */
export type TableProblem = z.infer<typeof problemSchema>

const setSchema = listedSetSchema.extend({
  problems: z.object({ count: z.number(), content: z.array(problemSchema) }).optional(),
  failures: z
    .array(
      z.looseObject({
        ...reason,
        count: z.number(),
        example: z.object({ row: z.number(), runId: z.string() }),
      } satisfies FieldsOf<NonNullable<RunSet['failures']>[number]>),
    )
    .optional(),
  error: z.object(reason).optional(),
} satisfies FieldsOf<RunSet>)
/** A run set with its problems and failures. */
export type SetView = z.infer<typeof setSchema>

const setRunSchema = z.looseObject({
  row: z.number(),
  runId: z.string(),
  state: z.string(),
  error: z.object(reason).optional(),
} satisfies FieldsOf<RunSetRun>)
/** The latest run of a row. */
export type SetRun = z.infer<typeof setRunSchema>

const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ content: z.array(item), next: z.string().optional() })
const setPageSchema = pageOf(listedSetSchema)
const runPageSchema = pageOf(setRunSchema)

/** Entries of a page: the maximum of the service. */
const PAGE_SIZE = 200

/** @throws CommandError when the text is not the id of a set */
export function requireSetId(text: string): string {
  if (isSetId(text)) return text
  throw usageError(`"${text}" is not the id of a run set; "cytomine-task run-set list" lists them`)
}

export async function readSet(service: Service, id: string): Promise<SetView> {
  return service.json(`run-sets/${id}`, setSchema)
}

/** Creates or changes a set by a POST. @returns the set as it is then */
export async function postSet(service: Service, path: string, body?: unknown): Promise<SetView> {
  return service.json(path, setSchema, {
    method: 'POST',
    isRepeatable: true,
    ...(body !== undefined && { body }),
  })
}

/** All sets, the newest first. */
export async function* listSets(service: Service): AsyncGenerator<ListedSet> {
  for (let query: string | undefined = `limit=${PAGE_SIZE}`; query !== undefined; ) {
    const { content, next } = await service.json(`run-sets?${query}`, setPageSchema)
    yield* content
    query = nextQuery(next)
  }
}

/** The latest run of each row, in the order of the rows. */
export async function* listSetRuns(service: Service, id: string, state?: string): AsyncGenerator<SetRun> {
  const only = state === undefined ? '' : `&state=${state}`
  for (let query: string | undefined = `limit=${PAGE_SIZE}`; query !== undefined; ) {
    const { content, next } = await service.json(`run-sets/${id}/runs?${query}${only}`, runPageSchema)
    yield* content
    query = nextQuery(next)
  }
}

function nextQuery(next: string | undefined): string | undefined {
  return next === undefined ? undefined : `limit=${PAGE_SIZE}&cursor=${encodeURIComponent(next)}`
}

/** Whether all runs of the set have ended. */
export function hasEnded({ state, counts }: Pick<ListedSet, 'state' | 'counts'>): boolean {
  return state !== 'VALIDATING' && state !== 'RUNNING' && counts.waiting + counts.active === 0
}
