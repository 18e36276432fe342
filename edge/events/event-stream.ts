import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { RECONNECT_MS } from '../limits.ts'

/** Server-sent events in one response (HTML Living Standard, 9.2). */
export interface EventStream {
  /** Sends the head and starts the heartbeats. */
  open(): void
  /** @param data JSON, which contains no line break */
  send(event: 'run' | 'removed' | 'log', data: string, id: string): void
  /** Ends the response. The client reconnects after {@link RECONNECT_MS}. */
  end(): void
  /** Closes the connection of a client that does not read. */
  destroy(): void
  readonly bufferedBytes: number
  readonly isClosed: boolean
  /** Resolves when the connection is closed or the response has been sent. */
  closed(): Promise<void>
}

const HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  // Without this header, nginx would buffer a minute of events.
  'x-accel-buffering': 'no',
} as const

/** @param heartbeatMs pause between two comments */
export function createEventStream(response: ServerResponse, heartbeatMs: number): EventStream {
  let heartbeat: NodeJS.Timeout | undefined
  response.once('close', () => clearInterval(heartbeat))

  return {
    open() {
      response.writeHead(200, HEAD)
      response.write(`retry: ${RECONNECT_MS}\n\n`)
      // Proxies close a connection that is idle for a minute.
      heartbeat = setInterval(() => {
        // A client that does not read gets no further heartbeats.
        if (response.writableLength === 0) response.write(':\n\n')
      }, heartbeatMs).unref()
    },

    send(event, data, id) {
      response.write(`event: ${event}\nid: ${id}\ndata: ${data}\n\n`)
    },

    end() {
      response.end()
    },

    destroy() {
      response.destroy()
    },

    get bufferedBytes() {
      return response.writableLength
    },

    get isClosed() {
      return response.destroyed || response.writableEnded
    },

    async closed() {
      if (!response.destroyed) await once(response, 'close')
    },
  }
}
