import { Hono } from 'hono'
import { getPath } from 'hono/utils/url'
import { DomainError } from '../../src/domain/errors.ts'
import type { ApiDependencies } from './dependencies.ts'
import { answerError } from './problem.ts'
import type { Route } from './route.ts'
import { provisionRoutes } from './routes/provisions.ts'
import { stagingRoutes } from './routes/staging.ts'
import { storeRoutes } from './routes/stores.ts'
import { taskRunRoutes } from './routes/task-runs.ts'
import { taskRoutes } from './routes/tasks.ts'

/** Where core expects the API (http-api 1.1). */
const BASE_PATH = '/app-engine/v1'

/** The HTTP contract as one Hono app: `/ping` at the root, everything else below {@link BASE_PATH}. */
export function createApp(deps: ApiDependencies): Hono {
  // Core writes some paths with a doubled slash (http-api 1.1).
  const app = new Hono({ getPath: (request) => getPath(request).replace(/\/{2,}/gu, '/') })
  app.onError((error, context) => answerError(context, error))
  app.notFound((context) => answerError(context, new DomainError('ROUTE_NOT_FOUND')))

  app.get('/ping', (context) =>
    context.json({ status: 'UP', timestamp: deps.identity.now().toISOString(), service: 'app-engine' }),
  )
  // Order matters: a literal segment wins over a variable.
  const routes: readonly Route[] = [
    ...taskRoutes(deps),
    ...storeRoutes(deps),
    ...stagingRoutes(deps),
    ...provisionRoutes(deps),
    ...taskRunRoutes(deps),
  ]
  for (const { method, path, handle } of routes) app.on(method, `${BASE_PATH}${path}`, handle)
  for (const path of new Set(routes.map((route) => route.path))) {
    app.all(`${BASE_PATH}${path}`, (context) => answerError(context, new DomainError('METHOD_NOT_ALLOWED')))
  }
  return app
}
