import { type Context, Hono } from 'hono'
import { getPath } from 'hono/utils/url'
import taskSchema from '../../docs/task.schema.json' with { type: 'json' }
import { BASE_PATH } from '../../src/contract/base-path.ts'
import { DomainError } from '../../src/contract/errors.ts'
import type { IdempotencyRepository } from '../../src/idempotency/idempotency-repository.ts'
import type { KnownHosts } from '../../src/shared/foreign-requests.ts'
import { guardFromBrowsers } from './browser-guard.ts'
import { guardChanges } from './console/guard-changes.ts'
import { type ConsoleDependencies, serveConsole } from './console/serve-console.ts'
import { type Handle, idempotent, takesKey } from './idempotent.ts'
import { logRequest, logRoute } from './log-context.ts'
import { answerError } from './problem.ts'
import { type Handlers, type OperationId, ROUTE_LIST, type Route } from './route-table.ts'
import { consoleHandlers } from './routes/console.ts'
import { provisionHandlers } from './routes/provisions.ts'
import { runListHandlers } from './routes/run-lists.ts'
import { runSetHandlers } from './routes/run-sets.ts'
import { stagingHandlers } from './routes/staging.ts'
import { storeHandlers } from './routes/stores.ts'
import { taskRunHandlers } from './routes/task-runs.ts'
import { taskHandlers } from './routes/tasks.ts'
import { uploadHandlers } from './routes/uploads.ts'
import { webhookHandlers } from './routes/webhooks.ts'

type DependenciesOf<Create extends (deps: never) => unknown> = Parameters<Create>[0]

/** Ports and settings of all handlers. */
export type ApiDependencies = DependenciesOf<typeof taskHandlers> &
  DependenciesOf<typeof uploadHandlers> &
  DependenciesOf<typeof storeHandlers> &
  DependenciesOf<typeof stagingHandlers> &
  DependenciesOf<typeof provisionHandlers> &
  DependenciesOf<typeof taskRunHandlers> &
  DependenciesOf<typeof runListHandlers> &
  DependenciesOf<typeof runSetHandlers> &
  DependenciesOf<typeof webhookHandlers> & {
    readonly idempotencyKeys: IdempotencyRepository
    /** Undefined when the stage has no console. */
    readonly console?: ConsoleDependencies['console']
  }

/** The HTTP contract as one Hono app: everything but ping below {@link BASE_PATH}. */
export function createApp(deps: ApiDependencies, knownHosts: KnownHosts = 'any'): Hono {
  const handlers: Omit<Handlers, 'getConsoleConfig'> = {
    ...taskHandlers(deps),
    ...uploadHandlers(deps),
    ...storeHandlers(deps),
    ...stagingHandlers(deps),
    ...provisionHandlers(deps),
    ...taskRunHandlers(deps),
    ...runListHandlers(deps),
    ...runSetHandlers(deps),
    ...webhookHandlers(deps),
    getTaskSchema: (context) => context.json(taskSchema),
    ping: answerPing(deps),
  }
  return appOf(withKeys(handlers, deps.idempotencyKeys), knownHosts, consoleOf(deps))
}

/** API of the stagers: only the operations that a run's secret authenticates. */
export function createStagerApp(deps: ApiDependencies): Hono {
  return appOf({ ...stagingHandlers(deps), ping: answerPing(deps) }, 'any')
}

/** Makes creating calls repeatable. */
function withKeys<Given extends Partial<Handlers>>(handlers: Given, keys: IdempotencyRepository): Given {
  const wrapped = Object.entries(handlers).map(([id, handle]) => [
    id,
    takesKey(id as OperationId) ? idempotent(keys, handle as Handle) : handle,
  ])
  return Object.fromEntries(wrapped) as Given
}

function answerPing({ identity }: ApiDependencies): Handlers['ping'] {
  return (context) =>
    context.json({ status: 'UP', timestamp: identity.now().toISOString(), service: 'app-engine' })
}

/** Console of the app; undefined when it is off, so that all of its paths are unknown. */
function consoleOf({ console, ...deps }: ApiDependencies): ConsoleDependencies | undefined {
  return console === undefined || console.mode === 'off' ? undefined : { ...deps, console }
}

function appOf(given: Partial<Handlers>, knownHosts: KnownHosts, console?: ConsoleDependencies): Hono {
  const handlers: Partial<Handlers> = { ...given, ...(console && consoleHandlers(console)) }
  // Core writes some paths with a doubled slash (http-api 1.1).
  const app = new Hono({ getPath: (request) => getPath(request).replace(/\/{2,}/gu, '/') })
  app.onError((error, context) => answerError(context, error))
  app.notFound((context) => answerError(context, new DomainError('ROUTE_NOT_FOUND')))

  app.use(logRequest)
  // Browsers must not guess another type for an untrusted file.
  app.use(async (context, next) => {
    await next()
    context.header('x-content-type-options', 'nosniff')
  })
  app.use(stateLengthToHead)
  app.use(guardFromBrowsers(knownHosts))
  if (console !== undefined) {
    app.use(guardChanges(console.console.mode))
    serveConsole(app, BASE_PATH, console)
  }
  const byPath = Map.groupBy(
    ROUTE_LIST.filter(({ id }) => id in handlers),
    ({ path }) => path,
  )
  for (const [path, same] of byPath) {
    for (const { id, method } of same) {
      const handle = handlers[id] as (context: Context) => Response | Promise<Response>
      app.on(method, addressesOf(path), (context) => {
        logRoute(context, path)
        return handle(context)
      })
    }
    // Paths without variables first: DELETE /stores/default must not delete a store with the id "default".
    if (!path.includes(':')) refuseOtherMethods(app, path, same)
  }
  // After all routes, because a path with variables matches literal paths too.
  for (const [path, same] of byPath) if (path.includes(':')) refuseOtherMethods(app, path, same)
  return app
}

/**
 * Gives the response to HEAD the length of the response to GET (RFC 9110, 8.6): API Gateway would set 0. Hono drops the body
 * afterwards.
 */
async function stateLengthToHead(context: Context, next: () => Promise<void>): Promise<void> {
  await next()
  const { body, headers } = context.res
  if (context.req.method !== 'HEAD' || body === null || headers.has('content-length')) return
  // A response is in memory and has at most 6 MB.
  const { byteLength } = await context.res.clone().arrayBuffer()
  context.header('content-length', String(byteLength))
}

/**
 * `/ping` exists at the root of the service, and below {@link BASE_PATH} for callers that know only the base address: behind API
 * Gateway, the root of the host is not the root of the service.
 */
function addressesOf(path: string): string[] {
  return path === '/ping' ? [path, `${BASE_PATH}${path}`] : [`${BASE_PATH}${path}`]
}

/** Answers other methods with 405, which lists the allowed ones (RFC 9110, 15.5.6); Hono answers HEAD as GET without a body. */
function refuseOtherMethods(app: Hono, path: string, routes: readonly Route[]): void {
  const methods = routes.map(({ method }) => method)
  const allow = methods.includes('GET') ? [...methods, 'HEAD'] : methods
  for (const address of addressesOf(path)) {
    app.all(address, (context) => {
      logRoute(context, path)
      context.header('allow', allow.join(', '))
      return answerError(context, new DomainError('METHOD_NOT_ALLOWED'))
    })
  }
}
