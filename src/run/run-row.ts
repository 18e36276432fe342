import { cutText, printable } from '../contract/quoted.ts'
import type { JobUsage, Run, RunFailure } from './run.ts'

/** Maximum length of a failure message in a row, in UTF-16 units. Rows of the index must stay below 1 KB, the unit of a write. */
const MAX_FAILURE_LENGTH = 150

/** Row of a list of runs. */
export interface RunRow extends Pick<Run, 'id' | 'taskId' | 'state' | 'createdAt' | 'updatedAt' | 'entered'> {
  readonly failure?: RowFailure
  readonly cost?: RowCost
}

/** First line of the failure's message. */
export type RowFailure = Pick<RunFailure, 'kind' | 'message'>
export type RowCost = Pick<JobUsage, 'usd' | 'pricesOf'>

/** States whose times a row contains: start and end of the task. */
const ROW_TIMES = ['RUNNING', 'FINISHED', 'FAILED'] as const

export function rowOf({ id, taskId, state, createdAt, updatedAt, entered, failure, job }: Run): RunRow {
  const times = ROW_TIMES.flatMap((one) => (entered[one] === undefined ? [] : [[one, entered[one]] as const]))
  return {
    id,
    taskId,
    state,
    createdAt,
    updatedAt,
    entered: Object.fromEntries(times),
    ...(failure && { failure: rowFailure(failure) }),
    ...(job?.usage && { cost: rowCost(job.usage) }),
  }
}

export function rowFailure({ kind, message }: RunFailure): RowFailure {
  const [first = ''] = message.split('\n', 1)
  return { kind, message: cutText(printable(first, MAX_FAILURE_LENGTH), MAX_FAILURE_LENGTH) }
}

export function rowCost({ usd, pricesOf }: JobUsage): RowCost {
  return { usd, pricesOf }
}

/** Position of a run in lists: newest first is descending. Runs of one millisecond are ordered by id. */
export function runOrder({ createdAt, id }: Pick<Run, 'createdAt' | 'id'>): string {
  return `${createdAt}#${id}`
}

/** Filter and position of a list of runs. */
export interface RunListQuery {
  /** Runs of this task only. */
  readonly taskId?: string
  /** {@link runOrder} of the last run of the previous page. */
  readonly after?: string
  /** Maximum number of rows of the page. */
  readonly limit: number
  readonly isWanted: (row: RunRow) => boolean
}

export interface RunListPage {
  readonly rows: readonly RunRow[]
  /** {@link runOrder} of the last run of this page; absent on the last page. */
  readonly next?: string
}

/** Maximum number of runs that one page reads. Rows of the index have about 300 bytes; runs of a task are read completely. */
const MAX_CONSIDERED = { index: 2000, task: 500 } as const

/** Collects matching rows until the page is full or the limit is reached, and reads one row ahead. */
export async function pageOfRows(
  rows: AsyncIterable<RunRow>,
  { taskId, limit, isWanted }: RunListQuery,
): Promise<RunListPage> {
  const most = taskId === undefined ? MAX_CONSIDERED.index : MAX_CONSIDERED.task
  const found: RunRow[] = []
  let considered = 0
  let last: RunRow | undefined
  for await (const row of rows) {
    if (last !== undefined && (found.length === limit || considered === most)) {
      return { rows: found, next: runOrder(last) }
    }
    considered += 1
    last = row
    if (isWanted(row)) found.push(row)
  }
  return { rows: found }
}
