import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { pipeline } from 'node:stream/promises'

/** Nothing moved for so long: neither side will come back. */
const IDLE_MS = 5 * 60 * 1000
/** Error bodies are short; more is not of interest. */
const MAX_ANSWER_BYTES = 64 * 1024

/**
 * One request whose body streams at the pace of the network, with any answer that comes, early ones too.
 * Not by `fetch`: Node's keeps a copy of everything it has sent until the request is over (it clones requests that might be
 * redirected), so that memory would grow with the layer.
 */
export async function sendStream(
  url: URL,
  init: { readonly method: string; readonly headers: Headers },
  bytes: AsyncIterable<Uint8Array>,
): Promise<Response> {
  const open = url.protocol === 'https:' ? requestHttps : requestHttp
  const request = open(url, { method: init.method, headers: Object.fromEntries(init.headers) })
  request.setTimeout(IDLE_MS, () => request.destroy(new Error(`nothing moved for ${IDLE_MS / 1000} s`)))
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve)
    request.on('error', reject)
    // A request that is given up before it has a connection only closes.
    request.on('close', () => reject(new Error('the request was closed')))
  })
  // A failure of the source closes the request, which ends the wait for the answer.
  const sent = pipeline(bytes, request).catch(() => request.destroy())
  try {
    const answer = await answered
    const body = await readStart(answer)
    return new Response(body.length > 0 ? body : null, {
      status: answer.statusCode ?? 500,
      headers: Object.entries(answer.headers).map(([name, value]) => [name, String(value)]),
    })
  } finally {
    // An answer before the end of the body is a refusal.
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
