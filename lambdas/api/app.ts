import { Hono } from 'hono'
import { getPath } from 'hono/utils/url'
import { DomainError } from '../../src/contract/errors.ts'
import type { KnownHosts } from '../../src/shared/foreign-requests.ts'
import { guardFromBrowsers } from './browser-guard.ts'
import type { ApiDependencies } from './dependencies.ts'
import { logRequest, logRoute } from './log-context.ts'
import { answerError } from './problem.ts'
import type { Route } from './route.ts'
import { provisionRoutes } from './routes/provisions.ts'
import { stagingRoutes } from './routes/staging.ts'
import { storeRoutes } from './routes/stores.ts'
import { taskRunRoutes } from './routes/task-runs.ts'
import { taskRoutes } from './routes/tasks.ts'
import { uploadRoutes } from './routes/uploads.ts'

/** Where core expects the API (http-api 1.1). */
const BASE_PATH = '/app-engine/v1'

/**
 * `/ping` is at the root of the service; it is answered below {@link BASE_PATH} too, for a caller that knows only
 * the base address: behind API Gateway the root of the host is not the root of the service.
 */
const PING_PATHS = ['/ping', `${BASE_PATH}/ping`]

/** The HTTP contract as one Hono app: everything but ping below {@link BASE_PATH}. */
export function createApp(deps: ApiDependencies, knownHosts: KnownHosts = 'any'): Hono {
  // Order matters: a literal segment wins over a variable.
  return appOf(deps, knownHosts, [
    ...taskRoutes(deps),
    ...uploadRoutes(deps),
    ...storeRoutes(deps),
    ...stagingRoutes(deps),
    ...provisionRoutes(deps),
    ...taskRunRoutes(deps),
  ])
}

/** What jobs may ask for: nothing but the routes that want the secret of their run. */
export function createStagerApp(deps: ApiDependencies): Hono {
  return appOf(deps, 'any', stagingRoutes(deps))
}

function appOf(deps: ApiDependencies, knownHosts: KnownHosts, routes: readonly Route[]): Hono {
  // Core writes some paths with a doubled slash (http-api 1.1).
  const app = new Hono({ getPath: (request) => getPath(request).replace(/\/{2,}/gu, '/') })
  app.onError((error, context) => answerError(context, error))
  app.notFound((context) => answerError(context, new DomainError('ROUTE_NOT_FOUND')))

  app.use(logRequest)
  // A file of somebody else is what its type says, whatever a browser makes of its bytes.
  app.use(async (context, next) => {
    await next()
    context.header('x-content-type-options', 'nosniff')
  })
  app.use(guardFromBrowsers(knownHosts))
  app.on('GET', PING_PATHS, (context) => {
    logRoute(context, '/ping')
    return context.json({ status: 'UP', timestamp: deps.identity.now().toISOString(), service: 'app-engine' })
  })
  for (const path of PING_PATHS) refuseOtherMethods(app, path, '/ping', ['GET'])
  const byPath = Map.groupBy(routes, ({ path }) => path)
  const refuse = (path: string): void => {
    const methods = byPath.get(path)?.map(({ method }) => method) ?? []
    refuseOtherMethods(app, `${BASE_PATH}${path}`, path, methods)
  }
  for (const [path, same] of byPath) {
    for (const { method, handle } of same) {
      app.on(method, `${BASE_PATH}${path}`, (context) => {
        logRoute(context, path)
        return handle(context)
      })
    }
    // DELETE /stores/default is no deletion of a store whose id is "default".
    if (!path.includes(':')) refuse(path)
  }
  // Later than all routes: paths with variables match literal ones as well.
  for (const path of byPath.keys()) if (path.includes(':')) refuse(path)
  return app
}

/** A 405 names what is allowed (RFC 9110, 15.5.6); Hono answers a HEAD as the GET without its body. */
function refuseOtherMethods(app: Hono, path: string, route: string, methods: readonly string[]): void {
  const allow = methods.includes('GET') ? [...methods, 'HEAD'] : methods
  app.all(path, (context) => {
    logRoute(context, route)
    context.header('allow', allow.join(', '))
    return answerError(context, new DomainError('METHOD_NOT_ALLOWED'))
  })
}
