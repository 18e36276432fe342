import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { MIN_BYTES_PER_SECOND, PROGRESS_BYTES, STALLED_MS } from './limits.ts'

export interface ConnectionLimits {
  readonly maxConnections: number
  /** A client that reads less than 1 KiB a second of its answer, over so long, is cut off. */
  readonly idleMs: number
  /** Told of connections that had to go, at most once a minute. */
  readonly warn: (sentence: string) => void
}

/** Requests of one connection under way: HTTP/1.1 clients that wait for their answers have one. */
const MAX_PIPELINED = 8

const SLOWEST_LOOK_MS = 500
const WARN_EVERY_MS = 60_000

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** What is known of one connection. */
interface Connection {
  readonly exchanges: Set<Exchange>
  /** When it last moved by {@link PROGRESS_BYTES}, began a request, or waited for the edge. */
  movedAt: number
  bytes: number
  /** Start of the time in which its client must read the least, and what it had read by then. */
  readSince: number
  readBytes: number
}

/**
 * Bounds the connections of a server. A connection beyond the maximum takes the place of the one that has not moved for the
 * longest time, and for {@link STALLED_MS} at least; where there is none, it is closed itself.
 */
export function limitConnections(server: Server, { maxConnections, idleMs, warn }: ConnectionLimits): void {
  const connections = new Map<Socket, Connection>()
  const warnSeldom = seldom(warn)
  const leastBytes = (MIN_BYTES_PER_SECOND * idleMs) / 1000

  function look(): void {
    const now = performance.now()
    for (const [socket, connection] of connections) {
      const bytes = socket.bytesRead + readBy(socket)
      if (bytes - connection.bytes >= PROGRESS_BYTES || waitsForUs(socket, connection)) {
        connection.movedAt = now
        connection.bytes = bytes
      }
      const isRead = socket.writableLength === 0 || readBy(socket) - connection.readBytes >= leastBytes
      if (isRead) {
        connection.readSince = now
        connection.readBytes = readBy(socket)
      } else if (now - connection.readSince >= idleMs) socket.destroy()
    }
  }
  const looking = setInterval(look, Math.min(SLOWEST_LOOK_MS, idleMs / 4)).unref()
  server.once('close', () => clearInterval(looking))

  function makeRoom(): boolean {
    look()
    const stalledSince = performance.now() - STALLED_MS
    let oldest: readonly [Socket, Connection] | undefined
    for (const entry of connections) {
      if (entry[1].movedAt <= Math.min(stalledSince, oldest?.[1].movedAt ?? stalledSince)) oldest = entry
    }
    oldest?.[0].destroy()
    if (oldest !== undefined) connections.delete(oldest[0])
    return oldest !== undefined
  }

  server.prependListener('connection', (socket: Socket) => {
    if (connections.size >= maxConnections) {
      warnSeldom(
        `all ${maxConnections} connections are in use: one that does not move is closed for each new one`,
      )
      if (!makeRoom()) {
        socket.destroy()
        return
      }
    }
    const now = performance.now()
    connections.set(socket, { exchanges: new Set(), movedAt: now, bytes: 0, readSince: now, readBytes: 0 })
    socket.once('close', () => connections.delete(socket))
  })
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const connection = connections.get(request.socket)
    if (connection === undefined) return
    const exchange = { request, response }
    connection.exchanges.add(exchange)
    connection.movedAt = performance.now()
    response.once('close', () => connection.exchanges.delete(exchange))
    if (connection.exchanges.size > MAX_PIPELINED) request.socket.destroy()
  })
}

/** Bytes that the client, or its kernel, has taken. */
function readBy(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength
}

/** Whether it is the edge's turn: a request is complete, or has bytes that nobody has read, and its answer is not held up. */
function waitsForUs(socket: Socket, { exchanges }: Connection): boolean {
  return (
    socket.writableLength === 0 &&
    [...exchanges].some(({ request, response }) => {
      return !response.writableEnded && (request.complete || request.readableLength > 0)
    })
  )
}

function seldom(warn: (sentence: string) => void): (sentence: string) => void {
  let lastAt = Number.NEGATIVE_INFINITY
  return (sentence) => {
    const now = performance.now()
    if (now - lastAt < WARN_EVERY_MS) return
    lastAt = now
    warn(sentence)
  }
}
