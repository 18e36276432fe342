import * as z from 'zod'
import { isSetId } from '../../src/run/set/set-run-id.ts'
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
  }),
  cost: z.object({ usd: z.number(), remainingUsd: z.number().optional() }),
})
/** A run set on a page. */
export type ListedSet = z.infer<typeof listedSetSchema>

const problemSchema = z.object({
  row: z.number().nullable(),
  column: z.string().nullable(),
  message: z.string(),
})
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
      }),
    )
    .optional(),
  error: z.object(reason).optional(),
})
/** A run set with its problems and failures. */
export type SetView = z.infer<typeof setSchema>

const setRunSchema = z.looseObject({
  row: z.number(),
  runId: z.string(),
  state: z.string(),
  error: z.object(reason).optional(),
})
/** The latest run of a row. */
export type SetRun = z.infer<typeof setRunSchema>

const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ content: z.array(item), next: z.string().optional() })
const setPageSchema = pageOf(listedSetSchema)
const runPageSchema = pageOf(setRunSchema)

/** Entries of a page; the most that the service gives. */
const PAGE_SIZE = 200

/** @throws CommandError for a text that is no id of a set */
export function requireSetId(text: string): string {
  if (isSetId(text)) return text
  throw usageError(`"${text}" is no run set; expected its id, as "cytomine-task run-set list" shows it`)
}

/** A set as an answer of the service describes it. */
export function parseSet(answer: unknown): SetView {
  return setSchema.parse(answer)
}

export async function readSet(service: Service, id: string): Promise<SetView> {
  return parseSet(await service.json(`run-sets/${id}`))
}

/** All sets, the newest first. */
export async function* listSets(service: Service): AsyncGenerator<ListedSet> {
  for (let query: string | undefined = `limit=${PAGE_SIZE}`; query !== undefined; ) {
    const { content, next } = setPageSchema.parse(await service.json(`run-sets?${query}`))
    yield* content
    query = nextQuery(next)
  }
}

/** The latest run of each row, in the order of the rows. */
export async function* listSetRuns(service: Service, id: string, state?: string): AsyncGenerator<SetRun> {
  const only = state === undefined ? '' : `&state=${state}`
  for (let query: string | undefined = `limit=${PAGE_SIZE}`; query !== undefined; ) {
    const { content, next } = runPageSchema.parse(await service.json(`run-sets/${id}/runs?${query}${only}`))
    yield* content
    query = nextQuery(next)
  }
}

function nextQuery(next: string | undefined): string | undefined {
  return next === undefined ? undefined : `limit=${PAGE_SIZE}&cursor=${encodeURIComponent(next)}`
}

/** Whether nothing of the set runs or waits any more. */
export function hasEnded({ state, counts }: Pick<ListedSet, 'state' | 'counts'>): boolean {
  return state !== 'VALIDATING' && state !== 'RUNNING' && counts.waiting + counts.active === 0
}
