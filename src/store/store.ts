import * as z from 'zod'
import { DomainError } from '../contract/errors.ts'
import type { Immutable } from '../contract/immutable.ts'
import { faultOfUrl } from '../shared/outgoing-url.ts'
import type { TaskName } from '../task/task.ts'

/** Stored part of {@link Store}; a separate item names the default. */
export const storeSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** Base address that a user entered. It is not validated, and private networks are allowed. */
  host: z.string(),
  /** ISO-8601 UTC. */
  createdAt: z.string(),
})
/** An app store, from which tasks are installed. */
export type Store = Immutable<z.infer<typeof storeSchema>> & {
  /** True for at most one store. */
  readonly isDefault: boolean
}

/**
 * URL of a task's bundle in a store (http-api 5.11).
 * @throws DomainError APPSTORE_DOWNLOAD_FAILED when the host is not an http or https URL
 */
export function bundleUrl({ host }: Pick<Store, 'host'>, { namespace, version }: TaskName): URL {
  const url = URL.parse(host)
  if (url === null) {
    throw downloadFailure(
      'the host of the default store is not a URL such as https://store.example.org: change the store',
    )
  }
  requireStoreUrl(url)
  const basePath = withoutSlashes(url.pathname)
  const name = [namespace, version].map(encodeURIComponent).join('/')
  url.pathname = `${basePath}/api/v1/tasks/${name}/bundle.zip`
  url.search = ''
  url.hash = ''
  return url
}

/** Removes slashes at the end. `/\/+$/` takes quadratic time: two seconds for 40 000 slashes in the middle. */
function withoutSlashes(path: string): string {
  let end = path.length
  while (path[end - 1] === '/') end -= 1
  return path.slice(0, end)
}

/**
 * Allows http and https URLs without credentials.
 * @throws DomainError APPSTORE_DOWNLOAD_FAILED
 */
export function requireStoreUrl(url: URL): void {
  const fault = faultOfUrl(url, ['http', 'https'])
  if (fault === 'scheme') {
    throw downloadFailure(`bundles are downloaded by http or https, not by ${url.protocol.slice(0, -1)}`)
  }
  if (fault === 'credentials')
    throw downloadFailure('the URL of a store must not contain a user name or password')
}

/** Error for a bundle that could not be downloaded: the contract fixes the message, so the details explain it. */
export function downloadFailure(description: string, cause?: unknown): DomainError {
  return new DomainError(
    'APPSTORE_DOWNLOAD_FAILED',
    { type: 'related', parameterName: 'bundle', description },
    { cause },
  )
}

/**
 * Error for a store that returned no bundle. The text does not depend on the cause, so that callers cannot probe which hosts and ports
 * the engine can reach.
 */
export function storeGaveNothing(cause?: unknown): DomainError {
  return downloadFailure(
    'the default store returned no bundle of this task: it must answer within 10 s, with status 200 and a zip without Content-Encoding. Check the address of the store and that it has the task, or upload the bundle; the log of the import names the cause',
    cause,
  )
}
