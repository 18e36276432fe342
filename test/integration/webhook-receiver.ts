import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import type { EngineEvent } from '../../src/events/event.ts'

/** A request to the receiver. */
interface ReceivedRequest {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Status of the response. */
  readonly status: number
}

/** A server that receives deliveries of webhooks, which differ by path. */
export interface WebhookReceiver {
  readonly url: string
  readonly requests: readonly ReceivedRequest[]
  /** Answers the next requests to a path with these statuses, then with 204. */
  answer(path: string, ...statuses: readonly number[]): void
  /** Waits for an accepted event with `isLast`. @returns the accepted events of a path, in the order of their arrival */
  until(
    path: string,
    secret: string,
    isLast: (event: EngineEvent) => boolean,
  ): Promise<readonly EngineEvent[]>
  stop(): void
}

/** Starts a receiver on this machine. A redirect leads to `/elsewhere`. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const requests: ReceivedRequest[] = []
  const statuses = new Map<string, number[]>()
  const server = createServer(async (request, response) => {
    const { url: path = '', headers } = request
    const body = await text(request)
    const status = statuses.get(path)?.shift() ?? 204
    requests.push({ path, headers, body, status })
    response.writeHead(status, status === 307 ? { location: '/elsewhere' } : {}).end()
    server.emit('received')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')

  /** Accepted events of a path; their signatures are verified by the library that receivers use. */
  function acceptedBy(path: string, secret: string): readonly EngineEvent[] {
    const verifier = new Webhook(secret)
    return requests
      .filter((request) => request.path === path && request.status === 204)
      .map(({ body, headers }) => verifier.verify(body, headers as Record<string, string>) as EngineEvent)
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (path, ...given) => void statuses.set(path, [...given]),
    async until(path, secret, isLast) {
      for (;;) {
        const events = acceptedBy(path, secret)
        if (events.some(isLast)) return events
        await once(server, 'received')
      }
    },
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}
