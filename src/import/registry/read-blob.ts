import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { REDIRECTS, responseTo, startOfBody, startRequest } from '../../shared/http.ts'
import { RegistryUnavailableError } from './image-registry.ts'
import { registryError } from './registry-error.ts'
import { IDLE_MS } from './request-registry.ts'

/** Status and headers of a response whose body is still being received. */
export interface OpenAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly response: IncomingMessage
}

/** Sends a GET, with the registry's credentials if the URL is the registry's own. */
export type OpenUrl = (url: URL) => Promise<OpenAnswer>

/** ECR redirects once, to S3. */
const MAX_REDIRECTS = 3

/** Sends a GET and returns before the body of a 200 arrives. The bodies of other responses are discarded. */
export async function openAnswer(url: URL, headers: Readonly<Record<string, string>>): Promise<OpenAnswer> {
  const request = startRequest(url, { method: 'GET', headers, timeout: IDLE_MS })
  const answered = responseTo(request)
  request.end()
  const response = await answered
  const { statusCode: status = 500, headers: answerHeaders } = response
  if (status !== 200) await startOfBody(response)
  return { status, headers: answerHeaders, response }
}

/**
 * Opens a blob and follows the registry's redirects.
 * @returns undefined when there is no such blob
 * @throws RegistryUnavailableError, DomainError REGISTRY_PUSHING_TASK_IMAGE_FAILED
 */
export async function openBlob(blobUrl: URL, open: OpenUrl): Promise<AsyncIterable<Uint8Array> | undefined> {
  let url = blobUrl
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const { status, headers, response } = await open(url)
    if (status === 200) return bytesOf(response)
    if (status === 404) return undefined
    const { location } = headers
    if (!REDIRECTS.includes(status) || location === undefined || !URL.canParse(location, url.href)) {
      const words = `the response to GET ${url.origin}${url.pathname} is ${status}`
      throw status >= 500 || status === 429 ? new RegistryUnavailableError(words) : registryError(words)
    }
    url = new URL(location, url)
  }
  throw registryError(`${blobUrl.origin}${blobUrl.pathname} redirects more than ${MAX_REDIRECTS} times`)
}

async function* bytesOf(response: IncomingMessage): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* response as AsyncIterable<Buffer>
  } catch (error) {
    throw new RegistryUnavailableError('the connection was lost while a blob was read', { cause: error })
  } finally {
    response.destroy()
  }
}
