import { request as ask, createServer } from 'node:http'
import { pipeline } from 'node:stream'
import { LOOPBACK } from '../local/ports.ts'

/** A forwarded request. */
export interface CountedRequest {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly method: string
  readonly path: string
  /** Whether the request used a presigned URL instead of credentials. */
  readonly isPresigned: boolean
}

export interface CountingProxy {
  readonly url: string
  readonly requests: readonly CountedRequest[]
  stop(): void
}

/** Forwards requests with streamed bodies, and records each. */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const requests: CountedRequest[] = []
  const server = createServer((request, response) => {
    const { method = 'GET', url = '/', headers } = request
    requests.push({ at: Date.now(), method, path: url, isPresigned: url.includes('X-Amz-Signature=') })
    const passedOn = ask(new URL(url, target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      pipeline(answer, response, () => {})
    })
    // Closes the client's connection when the server's breaks, so that the client retries as it would without a proxy.
    passedOn.once('error', () => response.destroy())
    pipeline(request, passedOn, () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    url: `http://${LOOPBACK}:${address.port}`,
    requests,
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}
