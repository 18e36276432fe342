import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { MIN_BYTES_PER_SECOND, PROGRESS_BYTES, STALLED_MS } from './limits.ts'

export interface ConnectionLimits {
  readonly maxConnections: number
  /**
   * A connection is closed when its client reads less than {@link MIN_BYTES_PER_SECOND} of a response on average over
   * this time.
   */
  readonly ratePeriodMs: number
  /** Called at most once a minute while the maximum is reached. */
  readonly warn: (sentence: string) => void
}

/** Maximum number of unanswered requests of one connection; a client that does not pipeline has one. */
const MAX_PIPELINED = 8

const MAX_CHECK_MS = 500
const WARN_EVERY_MS = 60_000

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

interface Connection {
  readonly exchanges: Set<Exchange>
  /** Time of the last {@link PROGRESS_BYTES}, request head, or moment in which the edge was the slower side. */
  progressAt: number
  bytes: number
  /** Start of the current idle period, and the bytes that the client had read by then. */
  readSince: number
  readBytes: number
}

/**
 * Bounds the connections of a server. A connection beyond the maximum replaces the one without progress for the longest time, if
 * that is at least {@link STALLED_MS}. Otherwise the new one is closed.
 */
export function limitConnections(
  server: Server,
  { maxConnections, ratePeriodMs, warn }: ConnectionLimits,
): void {
  const connections = new Map<Socket, Connection>()
  const warnThrottled = throttled(warn)
  const timer = setInterval(
    () => check(connections, ratePeriodMs),
    Math.min(MAX_CHECK_MS, ratePeriodMs / 4),
  ).unref()
  server.once('close', () => clearInterval(timer))

  server.prependListener('connection', (socket: Socket) => {
    if (connections.size >= maxConnections) {
      warnThrottled(
        `all ${maxConnections} connections are in use: each new one replaces a stalled one, or is closed`,
      )
      check(connections, ratePeriodMs)
      if (!closeStalled(connections)) {
        socket.destroy()
        return
      }
    }
    const now = performance.now()
    connections.set(socket, { exchanges: new Set(), progressAt: now, bytes: 0, readSince: now, readBytes: 0 })
    socket.once('close', () => connections.delete(socket))
  })
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const connection = connections.get(request.socket)
    if (connection === undefined) return
    const exchange = { request, response }
    connection.exchanges.add(exchange)
    connection.progressAt = performance.now()
    response.once('close', () => connection.exchanges.delete(exchange))
    if (connection.exchanges.size > MAX_PIPELINED) request.socket.destroy()
  })
}

/** Records the progress of all connections, and closes those whose clients read too slowly. */
function check(connections: ReadonlyMap<Socket, Connection>, ratePeriodMs: number): void {
  const now = performance.now()
  const minBytes = (MIN_BYTES_PER_SECOND * ratePeriodMs) / 1000
  for (const [socket, connection] of connections) {
    const bytes = socket.bytesRead + bytesReadBy(socket)
    if (bytes - connection.bytes >= PROGRESS_BYTES || waitsForEdge(socket, connection)) {
      connection.progressAt = now
      connection.bytes = bytes
    }
    const isReading = socket.writableLength === 0 || bytesReadBy(socket) - connection.readBytes >= minBytes
    if (isReading) {
      connection.readSince = now
      connection.readBytes = bytesReadBy(socket)
    } else if (now - connection.readSince >= ratePeriodMs) socket.destroy()
  }
}

/** Closes the connection without progress for the longest time. @returns false if none is stalled */
function closeStalled(connections: Map<Socket, Connection>): boolean {
  let oldestAt = performance.now() - STALLED_MS
  let oldest: Socket | undefined
  for (const [socket, { progressAt }] of connections) {
    if (progressAt > oldestAt) continue
    oldestAt = progressAt
    oldest = socket
  }
  if (oldest === undefined) return false
  oldest.destroy()
  return connections.delete(oldest)
}

/** Bytes that the client or a kernel buffer has accepted. */
function bytesReadBy(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength
}

/**
 * Whether the client waits for the edge: a request is complete or has unread bytes, and no response waits for the
 * client.
 */
function waitsForEdge(socket: Socket, { exchanges }: Connection): boolean {
  return (
    socket.writableLength === 0 &&
    [...exchanges].some(({ request, response }) => {
      return !response.writableEnded && (request.complete || request.readableLength > 0)
    })
  )
}

function throttled(warn: (sentence: string) => void): (sentence: string) => void {
  let lastAt = Number.NEGATIVE_INFINITY
  return (sentence) => {
    const now = performance.now()
    if (now - lastAt < WARN_EVERY_MS) return
    lastAt = now
    warn(sentence)
  }
}
