import type { HttpAnswer } from '../../shared/http.ts'
import { backoff, type Pause, retry } from '../../shared/retry.ts'
import { RegistryUnavailableError } from './image-registry.ts'
import type { RegistryAuthorization } from './registry-authorization.ts'
import { readProblem, registryError } from './registry-error.ts'
import { type RegistryRequest, requestRegistry } from './request-registry.ts'

export interface RegistryTransportOptions {
  /** Scheme and host; plain http is for registries on the same machine. */
  readonly registryUrl: string
  readonly authorization: RegistryAuthorization
  readonly pause?: Pause
}

/** Four retries wait 6 s on average. After a longer outage the whole import is retried. */
const BACKOFF = { retries: 4, firstMs: 500, hasJitter: true }
/** Statuses of a busy or restarting registry. Other errors are permanent. */
const RETRYABLE_STATUSES: readonly number[] = [408, 429, 500, 502, 503, 504]

interface RequestOptions extends Partial<RegistryRequest> {
  readonly method: string
  readonly repository: string
}

type AnswerHead = Pick<HttpAnswer, 'status' | 'headers'>

/** Authorized requests to one registry. */
export function createRegistryTransport({ registryUrl, authorization, pause }: RegistryTransportOptions) {
  const registry = new URL(registryUrl)

  /** Sends a request. Repeats it once when the registry requires new credentials. */
  const authorized = async <Answer extends AnswerHead>(
    url: URL,
    options: RequestOptions,
    send: (headers: Readonly<Record<string, string>>) => Promise<Answer>,
  ): Promise<Answer> => {
    const answerTo = async (own: string | undefined): Promise<Answer> => {
      try {
        return await send({ ...options.headers, ...(own !== undefined && { authorization: own }) })
      } catch (error) {
        throw new RegistryUnavailableError(`no response to ${lineOf(url, options.method)}`, { cause: error })
      }
    }
    // Credentials are sent to the registry's own origin only: uploads and blobs may be redirected to other
    // hosts.
    const isOwn = url.origin === registry.origin
    const headerNow = async () => (isOwn ? await authorization.header(options.repository) : undefined)
    const header = await headerNow()
    const response = await answerTo(header)
    if (response.status !== 401 || !isOwn) return response
    const challenge = response.headers['www-authenticate'] ?? null
    const isRenewed = await authorization.renew(options.repository, { header, challenge })
    const isStream = options.body !== undefined && !(options.body instanceof Uint8Array)
    if (isRenewed && isStream) throw new RegistryUnavailableError('the registry requires a new token')
    return isRenewed ? await answerTo(await headerNow()) : response
  }

  /** Returns the response if its status is expected, after its body was read. */
  const request = async (
    url: URL,
    options: RequestOptions,
    expected: readonly number[],
  ): Promise<HttpAnswer> => {
    const { method, body } = options
    const response = await authorized(url, options, (headers) =>
      requestRegistry(url, { method, headers, ...(body !== undefined && { body }) }),
    )
    if (expected.includes(response.status)) return response
    return refuse(response, url, options.method)
  }

  const repeatedly = <Result>(work: () => Promise<Result>): Promise<Result> =>
    retry(work, {
      pausesMs: backoff(BACKOFF),
      isRetryable: (error) => error instanceof RegistryUnavailableError,
      pause,
    })

  const urlOf = (repository: string, rest: string): URL => new URL(`/v2/${repository}/${rest}`, registry)

  return { authorized, request, repeatedly, urlOf }
}

export type RegistryTransport = ReturnType<typeof createRegistryTransport>

/** @throws RegistryUnavailableError when a retry may succeed; otherwise DomainError */
function refuse(response: HttpAnswer, url: URL, method: string): never {
  const words = `the response to ${lineOf(url, method)} is ${response.status} ${readProblem(response)}`
  if (RETRYABLE_STATUSES.includes(response.status)) throw new RegistryUnavailableError(words)
  throw registryError(words)
}

/** Query strings are omitted: they contain state of the registry, and tokens. */
export function lineOf(url: URL, method: string): string {
  return `${method} ${url.origin}${url.pathname}`
}
