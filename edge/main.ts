/* The edge: the front door in front of the API. Holds no state; as many as wanted may run side by side. */
import { setTimeout as pause } from 'node:timers/promises'
import { defaultProvider } from '@aws-sdk/credential-provider-node'
import * as z from 'zod'
import { collectBuffers } from '../src/shared/collect-buffers.ts'
import { knownHostsOf } from '../src/shared/foreign-requests.ts'
import { createSigner, regionOf, type SignRequest } from '../src/signing/sign-request.ts'
import { limitConnections } from './connection-limit.ts'
import { createEdge } from './edge.ts'
import { CLIENT_SHARE_PERCENT, IDLE_MS, MAX_CONNECTIONS } from './limits.ts'
import { type LogEntry, lineOf } from './request-log.ts'
import { createEdgeServer } from './server.ts'

/** Local mode holds a channel to the edge. */
const isLocal = process.send !== undefined

/** Local mode wants it gone at once; elsewhere below the 30 s of ECS and Kubernetes. */
const DEFAULT_STOP_TIMEOUT_SECONDS = isLocal ? 2 : 25

const settingsSchema = z.object({
  PORT: z.coerce.number().int().min(1).max(65_535),
  HOST: z.string().default('127.0.0.1'),
  /** Base URL of the API, without the service's own prefix and version. */
  API_URL: z.url({ protocol: /^https?$/u }),
  /** `iam`: requests are signed, with credentials where the AWS SDKs look for them. */
  API_AUTH: z.enum(['none', 'iam']).default('none'),
  /** Longer than a load balancer keeps idle connections, or it will use one that is being closed. */
  KEEP_ALIVE_SECONDS: z.coerce.number().min(1).max(86_400).default(5),
  /** Large bodies that are read at the same time, 64 MB of memory each; further ones wait. */
  UPLOADS_AT_ONCE: z.coerce.number().int().min(1).max(10_000).default(12),
  /** Connections of clients, 64 KiB of memory each. */
  CONNECTIONS_AT_ONCE: z.coerce.number().int().min(16).max(100_000).default(MAX_CONNECTIONS),
  /** Of the memory for bodies, the most that one client address gets; 100 where all clients have the same. */
  CLIENT_SHARE_PERCENT: z.coerce.number().int().min(1).max(100).default(CLIENT_SHARE_PERCENT),
  /** `true`: clients are told apart by the last entry of X-Forwarded-For, which the load balancer has written. */
  BEHIND_LOAD_BALANCER: z.stringbool().default(false),
  /** Host names that it answers for, by commas; `*` for any. By default those of this machine, where it listens on loopback only. */
  HOSTS: z.string().optional(),
  /** A body that brings less than 1 KiB a second over so long is given up. */
  IDLE_SECONDS: z.coerce
    .number()
    .min(1)
    .max(86_400)
    .default(IDLE_MS / 1000),
  /** Requests under way, uploads included, get this long to end after SIGTERM. */
  STOP_TIMEOUT_SECONDS: z.coerce.number().min(0).max(86_400).default(DEFAULT_STOP_TIMEOUT_SECONDS),
})

/** After SIGINT, or when local mode is gone. */
const FAST_STOP_SECONDS = 2

/** For discarding the uploads of connections that were closed. */
const DISCARD_SECONDS = 0.8

collectBuffers()

const log = (entry: LogEntry): void => console.log(lineOf(entry, new Date()))

const settings = settingsSchema.safeParse(process.env)
if (!settings.success) fail(`The edge cannot start: ${z.prettifyError(settings.error)}`)
const { PORT, HOST, API_URL, API_AUTH, KEEP_ALIVE_SECONDS, STOP_TIMEOUT_SECONDS } = settings.data
const idleMs = settings.data.IDLE_SECONDS * 1000

const apiUrl = new URL(API_URL)
const sign = API_AUTH === 'iam' ? await createOwnSigner().catch(failToSign) : undefined
const edge = createEdge({
  apiUrl,
  log,
  uploadsAtOnce: settings.data.UPLOADS_AT_ONCE,
  clientSharePercent: settings.data.CLIENT_SHARE_PERCENT,
  isBehindLoadBalancer: settings.data.BEHIND_LOAD_BALANCER,
  knownHosts: knownHostsOf(settings.data.HOSTS || (isLoopback(HOST) ? '' : '*')),
  idleMs,
  ...(sign && { sign }),
})
// Probes of idle connections tell of a client that vanished without a word; its upload is discarded then.
let isStopping = false
const server = createEdgeServer(
  (request, response) => {
    // A client that keeps its connection busy would be served until the time-out.
    if (isStopping) response.shouldKeepAlive = false
    edge.listener(request, response)
  },
  { keepAlive: true, keepAliveInitialDelay: 60_000 },
)
// An upload may take hours, and so may a client that reads slowly.
server.requestTimeout = 0
limitConnections(server, {
  maxConnections: settings.data.CONNECTIONS_AT_ONCE,
  idleMs,
  warn: (message) => log({ level: 'WARN', message }),
})
server.keepAliveTimeout = KEEP_ALIVE_SECONDS * 1000

server.once('error', (error: NodeJS.ErrnoException) => {
  fail(
    error.code === 'EADDRINUSE'
      ? `Port ${PORT} is in use by another program: stop it, or choose another port with the environment variable PORT.`
      : `The edge cannot start: ${error.message}`,
  )
})
server.listen(PORT, HOST, () => {
  const message = `the edge listens on ${HOST}:${PORT} for ${API_URL}${sign ? ', signing' : ''}`
  log({ level: 'INFO', message })
  process.send?.('ready')
})

process.on('SIGTERM', () => void stop(STOP_TIMEOUT_SECONDS))
process.on('SIGINT', () => void stop(FAST_STOP_SECONDS))
// Local mode is gone, however it went.
process.on('disconnect', () => void stop(FAST_STOP_SECONDS))

/** A second call may be faster than the first. */
async function stop(timeoutSeconds: number): Promise<void> {
  isStopping = true
  server.close()
  await Promise.race([edge.settled(), pause(timeoutSeconds * 1000)])
  server.closeAllConnections()
  await Promise.race([edge.settled(), pause(DISCARD_SECONDS * 1000)])
  process.exit(0)
}

/** Looks for credentials at once: an edge without any is of no use. */
async function createOwnSigner(): Promise<SignRequest> {
  const credentials = defaultProvider()
  await credentials()
  return createSigner({ region: regionOf(apiUrl, process.env), credentials })
}

function failToSign(error: Error): never {
  fail(`The edge cannot sign requests: ${error.message}`)
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

/** Local mode shows its user what the edge said last. */
function fail(sentence: string): never {
  console.error(isLocal ? sentence : lineOf({ level: 'ERROR', message: sentence }, new Date()))
  process.exit(1)
}
