/** Where the service's routes begin. */
export const BASE_PATH = '/app-engine/v1'

/** What an upload is for, as the API wants to know it. */
export type UploadPurpose = 'task' | 'input'

/** A route of the contract whose body may be larger than the API takes. */
export interface BodyRoute {
  readonly purpose: UploadPurpose
  /** Files of a multipart body that count, from its first part on. */
  readonly fileCount: 0 | 1 | 2
  /** Whether the body may be a JSON document instead. */
  readonly takesJson: boolean
  /** Whether the API may get the same request twice. */
  readonly isRepeatable: boolean
  /** As the path names it. */
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
  if (parameterName !== undefined) return { ...input, fileCount: 2, parameterName: decode(parameterName) }
  return method === 'PUT' ? { ...input, fileCount: 0 } : undefined
}

/** Whether the request has a task installed from an App Store. */
export function isInstallation(method: string | undefined, url: string): boolean {
  return method === 'POST' && INSTALL.test(pathBelowBase(url))
}

/**
 * Whether a path holds a slash that is a character of a name. No name of the contract has one, and servers that decode a path before
 * they route it take it for the end of a segment: `tasks/a%2F1.0.0` would become another route.
 */
export function hasEscapedSlash(url: string): boolean {
  return /^[^?]*%2f/iu.test(url)
}

/** Every literal segment of the contract's paths. */
const WORDS: ReadonlySet<string> = new Set([
  ...['tasks', 'install', 'logo', 'runs', 'descriptor.yml'],
  ...['task-runs', 'input-provisions', 'indexes', 'state-actions', 'inputs', 'input', 'outputs', 'output'],
  ...['inputs.zip', 'outputs.zip', 'logs', 'staging', 'report', 'parts', 'urls'],
  ...['uploads', 'part-urls', 'complete', 'stores', 'default', 'ping'],
])

const MASK = '*'

/** As deep as the contract's paths go, and one more. */
const MAX_SEGMENTS = 6

/**
 * A path for the log: of what a client made up, nothing but its place. One route has the run's secret in its path
 * (`POST task-runs/{id}/{secret}/outputs.zip`), and a client may write it elsewhere by mistake.
 */
export function routeOf(url: string): string {
  const [, ...segments] = pathBelowBase(url).split('/')
  if (segments.length === 0) return MASK
  const known = segments.slice(0, MAX_SEGMENTS).map((segment) => (WORDS.has(segment) ? segment : MASK))
  return `/${known.join('/')}`
}

const RUN = /^\/task-runs\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\/|$)/iu

/** The run that a path names; a secret looks otherwise. */
export function runIdOf(url: string): string | undefined {
  return RUN.exec(pathBelowBase(url))?.[1]
}

/** Without query; core doubles slashes in some paths (http-api 1.1). Empty for what is none of the service's. */
function pathBelowBase(url: string): string {
  const path = url.replace(/\?.*$/su, '').replace(/\/{2,}/gu, '/')
  return path.startsWith(`${BASE_PATH}/`) ? path.slice(BASE_PATH.length) : ''
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
