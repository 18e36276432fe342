import type { Context, MiddlewareHandler } from 'hono'
import { beginLog, type LogIds, logAbout, logger } from '../../src/aws/observability.ts'
import { isUuid } from '../../src/run/find-run.ts'
import { requestIdOf } from './problem.ts'

/** What the `:id` of a route stands for, by its first segment. */
const ID_NAMES: Readonly<Record<string, keyof LogIds>> = {
  tasks: 'taskId',
  'task-runs': 'runId',
  uploads: 'uploadId',
}

/** What a request is logged under that no route takes: its path may be anything. */
const NO_ROUTE = 'none'

/**
 * Logs one line for each request: method, route pattern, status and milliseconds, with the ids of the request and of whom it is
 * about. Never the path, of which one route's holds a secret, and never a body.
 */
export const logRequest: MiddlewareHandler = async (context, next) => {
  const start = performance.now()
  const { method } = context.req
  beginLog({ requestId: requestIdOf(context), route: `${method} ${NO_ROUTE}` })
  // What is thrown and no Error passes by the app's error handler.
  let status = 500
  try {
    await next()
    status = context.res.status
  } finally {
    const milliseconds = Math.round((performance.now() - start) * 10) / 10
    logger.info('request', { method, status, milliseconds })
  }
}

/** Has all log entries of a request from here on tell its route and whom it is about. */
export function logRoute(context: Context, route: string): void {
  const name = ID_NAMES[route.split('/')[1] ?? '']
  const id = context.req.param('id') ?? ''
  logAbout({
    route: `${context.req.method} ${route}`,
    ...(name !== undefined && isUuid(id) ? { [name]: id } : {}),
  })
}
