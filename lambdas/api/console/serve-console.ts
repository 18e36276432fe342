import type { Context, Hono } from 'hono'
import type { ObjectStore } from '../../../src/aws/object-store.ts'
import type { ConsoleMode } from '../../../src/contract/console.ts'
import { DomainError } from '../../../src/contract/errors.ts'
import { logRoute } from '../log-context.ts'
import { answerError } from '../problem.ts'
import type { ConsoleFile, ConsoleFiles } from './console-files.ts'

/** Ports and settings of the console. */
export interface ConsoleDependencies {
  readonly objects: Pick<ObjectStore, 'presignRead'>
  readonly console: { readonly mode: ConsoleMode; readonly files: ConsoleFiles }
  /** Default of the stage for starts that do not choose. */
  readonly reusesOutputs: boolean
}

/** Names of assets contain a hash of their content. */
const FOR_EVER = 'public, max-age=31536000, immutable'

/**
 * Adds the console's files below `base`: the page at `ui/`, which browsers revalidate at every visit, and its assets. They are
 * not operations of the API, so they are not in the route table.
 */
export function serveConsole(app: Hono, base: string, deps: ConsoleDependencies): void {
  const { files } = deps.console
  const get = (path: string, handle: (context: Context) => Response | Promise<Response>): void => {
    app.get(`${base}${path}`, (context) => {
      logRoute(context, path)
      return handle(context)
    })
    app.all(`${base}${path}`, (context) => {
      logRoute(context, path)
      context.header('allow', 'GET, HEAD')
      return answerError(context, new DomainError('METHOD_NOT_ALLOWED'))
    })
  }
  get('/ui', (context) => context.redirect('ui/', 308))
  const answer = async (context: Context, file: ConsoleFile, cacheControl: string): Promise<Response> => {
    for (const [name, value] of Object.entries(await fileHeaders(deps))) context.header(name, value)
    return answerFile(context, file, cacheControl)
  }
  get('/ui/', (context) => answer(context, files.page(), 'no-cache'))
  get('/ui/assets/:name', (context) => {
    const file = files.asset(context.req.param('name') ?? '')
    if (file === undefined) throw new DomainError('ROUTE_NOT_FOUND')
    return answer(context, file, FOR_EVER)
  })
}

function answerFile(
  context: Context,
  { text, contentType, etag }: ConsoleFile,
  cacheControl: string,
): Response {
  const headers = { etag, 'cache-control': cacheControl }
  const known = context.req.header('if-none-match')?.split(',') ?? []
  // A compressing proxy makes the validator weak (RFC 9110, 13.1.2).
  const isKnown = known.some((one) => one.trim().replace(/^W\//u, '') === etag || one.trim() === '*')
  if (isKnown) return context.body(null, 304, headers)
  return context.body(text, 200, { ...headers, 'content-type': contentType })
}

/**
 * Headers of all files: a worker obeys the policy of its own script, and an asset may be opened as a page. Scripts, styles and
 * calls are limited to this service; images, downloads and uploads may also use its bucket. Scripts set style attributes
 * through the object model, which the policy does not restrict.
 */
async function fileHeaders({ objects }: ConsoleDependencies): Promise<Record<string, string>> {
  const bucket = await bucketOrigin(objects)
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' blob: data: ${bucket}`,
    `connect-src 'self' ${bucket}`,
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types console',
  ]
  return {
    'content-security-policy': policy.join('; '),
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    'x-frame-options': 'DENY',
  }
}

/** Origin of presigned URLs. */
async function bucketOrigin(objects: Pick<ObjectStore, 'presignRead'>): Promise<string> {
  const headers = { contentType: 'text/plain', contentDisposition: 'inline' }
  return new URL(await objects.presignRead('ui', 60, headers, 'GET')).origin
}
