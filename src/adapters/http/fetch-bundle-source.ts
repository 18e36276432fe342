import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { downloadFailure, requireStoreUrl } from '../../domain/store.ts'
import type { BundleSource } from '../../ports.ts'

/** For the answer to begin, redirects included: a client of `install` waits for it, half a minute at most. */
const PATIENCE_MS = 10_000
/** Far more than any store needs; a loop ends somewhere. */
const MAX_REDIRECTS = 10
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]

/** Where the functions of this process get their events: whoever asks there takes one away. */
const RUNTIME_API = process.env.AWS_LAMBDA_RUNTIME_API

/** Bundles by http and https; the body may take as long as something of it arrives every five minutes (fetch's own limit). */
export function createFetchBundleSource(runtimeApi = RUNTIME_API): BundleSource {
  return {
    async open(url) {
      const deadline = new AbortController()
      const giveUp = (): void =>
        deadline.abort(downloadFailure(`the store did not answer within ${PATIENCE_MS / 1000} s`))
      // Not AbortSignal.timeout: it would cut the body off as well.
      const timer = setTimeout(giveUp, PATIENCE_MS)
      try {
        return bodyOf(await follow(url, runtimeApi, deadline.signal))
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

/** fetch would follow redirects to schemes of its own (`data:`) as well. */
async function follow(start: URL, runtimeApi: string | undefined, signal: AbortSignal): Promise<Response> {
  let url = start
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    requireStoreUrl(url)
    requireOther(url, runtimeApi)
    const response = await ask(url, signal)
    const location = REDIRECTS.includes(response.status) ? response.headers.get('location') : null
    if (location === null) return response
    await response.body?.cancel()
    const next = URL.parse(location, url.href)
    if (next === null) throw downloadFailure('the store redirects to something that is no URL')
    url = next
  }
  throw downloadFailure(`the store redirects more than ${MAX_REDIRECTS} times`)
}

/** By the port: which names lead to this machine is not known beforehand. */
function requireOther({ port }: URL, runtimeApi: string | undefined): void {
  if (runtimeApi === undefined || port === '' || port !== URL.parse(`http://${runtimeApi}`)?.port) return
  throw downloadFailure(`port ${port} is none that a store may have here: it belongs to the engine`)
}

async function ask(url: URL, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { redirect: 'manual', signal })
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw downloadFailure(`${url.host} cannot be reached (${reasonOf(error)})`, error)
  }
}

function bodyOf({ body, ok, status, url }: Response): Readable {
  if (ok && body !== null) {
    return Readable.from(translated(Readable.fromWeb(body as ReadableStream<Uint8Array>)), {
      objectMode: false,
    })
  }
  // Nobody reads on; what is left of the answer is of no interest.
  body?.cancel().catch(() => undefined)
  throw downloadFailure(`${new URL(url).host} answered with status ${status} and no bundle`)
}

async function* translated(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    throw downloadFailure(`the download broke off (${reasonOf(error)})`, error)
  }
}

/** Of itself fetch only says that it failed; its cause knows more. */
function reasonOf(error: unknown): string {
  const { cause = error } = error as Error
  const { code, message } = cause as NodeJS.ErrnoException
  return code ?? message
}
