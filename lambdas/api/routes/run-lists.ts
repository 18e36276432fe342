import type { Context } from 'hono'
import { DomainError } from '../../../src/contract/errors.ts'
import { queryError } from '../../../src/contract/query-error.ts'
import { isUuid } from '../../../src/contract/uuid.ts'
import { listNamedRuns, listRuns } from '../../../src/run/list-runs.ts'
import type { RunRepository } from '../../../src/run/run-repository.ts'
import type { TaskRepository } from '../../../src/task/task-repository.ts'
import {
  cursorOf,
  cursorQuery,
  idQuery,
  type Listing,
  limitQuery,
  listQuery,
  MAX_LIMIT,
  optionalQuery,
  statesQuery,
} from '../query.ts'
import type { Handlers } from '../route-table.ts'
import { viewListedRun } from '../views.ts'

/** Ports of these handlers. */
interface Dependencies {
  readonly runs: RunRepository
  readonly tasks: TaskRepository
}

/** Positions are `createdAt#id` of a run. */
const LISTING: Listing = {
  path: 'task-runs',
  positions: /^\d{4}-\d\d-\d\dT[\d:.]{8,12}Z#[0-9a-f-]{36}$/u,
}

/** Maximum length of the search text, in code points. */
export const MAX_TEXT_LENGTH = 200

/** Lists over all tasks: extensions of the contract. */
export function runListHandlers(deps: Dependencies) {
  return {
    async listRuns(context) {
      const ids = idsQuery(context)
      if (ids.length > 0)
        return context.json({ content: (await listNamedRuns(deps, ids)).map(viewListedRun) })
      const taskId = idQuery(context, 'taskId', 'a task')
      const text = textQuery(context)
      const filter = {
        states: statesQuery(context),
        ...(taskId !== undefined && { taskId }),
        ...(text !== undefined && { text }),
      }
      const after = cursorQuery(context, LISTING)
      const page = { limit: limitQuery(context), ...(after !== undefined && { after }) }
      const { runs, next } = await listRuns(deps, filter, page)
      const content = runs.map(viewListedRun)
      return context.json({ content, ...(next !== undefined && { next: cursorOf(LISTING, next) }) })
    },

    streamEvents() {
      throw new DomainError('EVENTS_NOT_SERVED')
    },
  } satisfies Partial<Handlers>
}

/** @throws DomainError QUERY_INVALID */
function idsQuery(context: Context): readonly string[] {
  const ids = listQuery(context, 'id')
  const wrong = ids.find((id) => !isUuid(id))
  if (wrong !== undefined) throw queryError('id', wrong, 'expected the id of a run, a UUID in lower case')
  if (ids.length > MAX_LIMIT) {
    throw queryError(
      'id',
      `${ids.length} ids`,
      `expected at most ${MAX_LIMIT}: request the others by another call`,
    )
  }
  return ids
}

/** @throws DomainError QUERY_INVALID */
function textQuery(context: Context): string | undefined {
  const value = optionalQuery(context, 'q')
  if (value === undefined || [...value].length <= MAX_TEXT_LENGTH) return value?.trim()
  throw queryError('q', value, `expected at most ${MAX_TEXT_LENGTH} characters`)
}
