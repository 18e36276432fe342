import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { pipeline } from 'node:stream/promises'

/** Nothing moved for so long: neither side will come back. Shorter than what an import keeps for its end. */
const IDLE_MS = 60 * 1000
/** Error bodies are short; more is not of interest. */
const MAX_ANSWER_BYTES = 64 * 1024

/** One request to a registry. */
export interface RegistryRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  /** Known bytes go with their length, a stream in chunks at the pace of the network. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>
}

/** What a registry answered. */
export interface RegistryAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The start of it. */
  readonly body: Buffer
}

/**
 * Sends one request and gives any answer that comes, early ones too.
 * Not by `fetch`: Node's keeps a copy of everything it has sent until the request is over (it clones requests that might be
 * redirected), so that memory would grow with the layer.
 */
export async function send(url: URL, { method, headers, body }: RegistryRequest): Promise<RegistryAnswer> {
  const open = url.protocol === 'https:' ? requestHttps : requestHttp
  const request = open(url, { method, headers })
  request.setTimeout(IDLE_MS, () => request.destroy(new Error(`nothing moved for ${IDLE_MS / 1000} s`)))
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve)
    request.on('error', reject)
    // A request that is given up before it has a connection only closes.
    request.on('close', () => reject(new Error('the request was closed')))
  })
  let sent = Promise.resolve()
  if (body === undefined || body instanceof Uint8Array) request.end(body)
  // A failure of the source closes the request, which ends the wait for the answer.
  else
    sent = pipeline(body, request).catch(() => {
      request.destroy()
    })
  try {
    const answer = await answered
    return { status: answer.statusCode ?? 500, headers: answer.headers, body: await readStart(answer) }
  } finally {
    // An answer before the end of the body is a refusal, or one to all bytes that were announced.
    if (!request.writableFinished) request.destroy()
    await sent
  }
}

async function readStart(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_ANSWER_BYTES) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
