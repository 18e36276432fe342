import type { Context } from 'hono'
import { beginLog, type LogIds } from '../../src/runtime/observability.ts'
import { isUuid } from '../../src/use-cases/find-run.ts'
import { requestIdOf } from './problem.ts'

/** What the `:id` of a route stands for, by its first segment. */
const ID_NAMES: Readonly<Record<string, keyof LogIds>> = {
  tasks: 'taskId',
  'task-runs': 'runId',
  uploads: 'uploadId',
}

/** Has all log entries of a request tell its id, its route (never its path: that of one route holds a secret) and whom it is about. */
export function beginRequestLog(context: Context, route: string): void {
  const name = ID_NAMES[route.split('/')[1] ?? '']
  const id = context.req.param('id') ?? ''
  beginLog({
    requestId: requestIdOf(context),
    route: `${context.req.method} ${route}`,
    ...(name !== undefined && isUuid(id) ? { [name]: id } : {}),
  })
}
