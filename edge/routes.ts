import { BASE_PATH, type UploadPurpose } from './uploads.ts'

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
