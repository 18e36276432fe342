import { BASE_PATH } from '../src/contract/base-path.ts'
import { decoded } from '../src/contract/decoded.ts'

/** Values of the field `purpose` of an upload. */
export type UploadPurpose = 'task' | 'input'

/** A route whose body may exceed the API's limit. */
export interface BodyRoute {
  readonly purpose: UploadPurpose
  /** Number of parts of a multipart body that are read, from the first. */
  readonly fileCount: 0 | 1 | 2
  /** Whether the body may be a JSON document. */
  readonly takesJson: boolean
  /** Whether the API may receive the same request twice. */
  readonly isRepeatable: boolean
  /** Name of the parameter in the path, decoded. */
  readonly parameterName?: string
}

const PROVISION = /^\/task-runs\/[^/]+\/input-provisions(?:\/([^/]+)(?:\/indexes)?)?$/u

const INSTALL = /^\/tasks\/[^/]+\/[^/]+\/install$/u

/** @param url Path and query of the request. */
export function findBodyRoute(method: string | undefined, url: string): BodyRoute | undefined {
  const rest = pathBelowBase(url)
  if (method === 'POST' && rest === '/tasks') {
    return { purpose: 'task', fileCount: 1, takesJson: false, isRepeatable: false }
  }
  const provision = PROVISION.exec(rest)
  if (provision === null || (method !== 'PUT' && method !== 'POST')) return undefined
  const [, parameterName] = provision
  const input = { purpose: 'input', takesJson: true, isRepeatable: true } as const
  if (parameterName !== undefined) return { ...input, fileCount: 2, parameterName: decoded(parameterName) }
  return method === 'PUT' ? { ...input, fileCount: 0 } : undefined
}

/** Whether the request installs a task from an app store. */
export function isInstallation(method: string | undefined, url: string): boolean {
  return method === 'POST' && INSTALL.test(pathBelowBase(url))
}

/** Whether the request is for the stream of events, which the edge serves itself. */
export function isEvents(method: string | undefined, url: string): boolean {
  return method === 'GET' && pathBelowBase(url) === '/events'
}

/**
 * Whether the path contains `%2F`. No name of the contract has a slash. Servers that decode before routing would read another route:
 * `tasks/a%2F1.0.0`.
 */
export function hasEscapedSlash(url: string): boolean {
  return /^[^?]*%2f/iu.test(url)
}

/**
 * Path below the prefix, without query and double slashes, which core has in some paths (http-api 1.1). Empty for a
 * path without the prefix.
 */
export function pathBelowBase(url: string): string {
  const path = url.replace(/\?.*$/su, '').replace(/\/{2,}/gu, '/')
  return path.startsWith(`${BASE_PATH}/`) ? path.slice(BASE_PATH.length) : ''
}
