import * as z from 'zod'
import { DomainError } from '../contract/errors.ts'
import type { Immutable } from '../contract/immutable.ts'
import type { TaskName } from '../task/task.ts'

/** An app store as it is stored; which one is the default is stored apart from them. */
export const storeSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** Base address as a user entered it: not checked, and private networks are allowed. */
  host: z.string(),
  /** ISO-8601 UTC. */
  createdAt: z.string(),
})
/** An app store, from which tasks are installed. */
export type Store = Immutable<z.infer<typeof storeSchema>> & {
  /** True for one store at most. */
  readonly isDefault: boolean
}

/**
 * Where a store has the bundle of a task (contract http-api 5.11).
 * @throws DomainError APPSTORE_DOWNLOAD_FAILED when the host is no address on the web
 */
export function bundleUrl({ host }: Pick<Store, 'host'>, { namespace, version }: TaskName): URL {
  const url = URL.parse(host)
  if (url === null) {
    throw downloadFailure(
      'the host of the default store is no URL such as https://store.example.org: change the store',
    )
  }
  requireStoreUrl(url)
  const basePath = url.pathname.replace(/\/+$/u, '')
  const name = [namespace, version].map(encodeURIComponent).join('/')
  url.pathname = `${basePath}/api/v1/tasks/${name}/bundle.zip`
  url.search = ''
  url.hash = ''
  return url
}

/**
 * Keeps to what stores speak: http and https, without credentials.
 * @throws DomainError APPSTORE_DOWNLOAD_FAILED
 */
export function requireStoreUrl(url: URL): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw downloadFailure(`bundles come by http or https, not by ${url.protocol.slice(0, -1)}`)
  }
  if (url.username !== '' || url.password !== '') {
    throw downloadFailure('stores are asked without user name and password')
  }
}

/** A bundle that could not be got from its store: the contract's fixed message, and words for the user in the details. */
export function downloadFailure(description: string, cause?: unknown): DomainError {
  return new DomainError(
    'APPSTORE_DOWNLOAD_FAILED',
    { type: 'related', parameterName: 'bundle', description },
    { cause },
  )
}

/**
 * A store that gave no zip. One sentence for every cause: different ones would show the caller which hosts and ports exist near the
 * engine.
 */
export function storeGaveNothing(cause?: unknown): DomainError {
  return downloadFailure(
    'the default store gave no bundle of this task: it must answer within 10 s, with status 200 and a zip without Content-Encoding. Check the address of the store and that it has the task, or upload the bundle; the log of the import names the cause',
    cause,
  )
}
