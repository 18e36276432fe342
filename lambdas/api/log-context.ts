import type { Context, MiddlewareHandler } from 'hono'
import { beginLog, type LogIds, logAbout, logger } from '../../src/aws/observability.ts'
import { isUuid } from '../../src/contract/uuid.ts'
import { requestIdOf } from './request-context.ts'

/** Log field for the `:id` of a route, by the first segment of its path. */
const ID_NAMES: Readonly<Record<string, keyof LogIds>> = {
  tasks: 'taskId',
  'task-runs': 'runId',
  uploads: 'uploadId',
}

/** Logged instead of a path that matches no route, which may contain anything. */
const NO_ROUTE = 'none'

/**
 * Logs one line for each request: method, route pattern, status, milliseconds, and the ids of the request and its task, run or upload.
 * Never a body, and never the path, because one route has a secret in it.
 */
export const logRequest: MiddlewareHandler = async (context, next) => {
  const start = performance.now()
  const { method } = context.req
  beginLog({ requestId: requestIdOf(context), route: `${method} ${NO_ROUTE}` })
  // Hono's error handler does not receive thrown values that are not an Error.
  let status = 500
  try {
    await next()
    status = context.res.status
  } finally {
    const milliseconds = Math.round((performance.now() - start) * 10) / 10
    logger.info('request', { method, status, milliseconds })
  }
}

/** Adds the route, and the id of its task, run or upload, to all later log entries of the request. */
export function logRoute(context: Context, route: string): void {
  const name = ID_NAMES[route.split('/')[1] ?? '']
  const id = context.req.param('id') ?? ''
  logAbout({
    route: `${context.req.method} ${route}`,
    ...(name !== undefined && isUuid(id) ? { [name]: id } : {}),
  })
}
