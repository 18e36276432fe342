/* The edge: HTTP server in front of the API. Stateless, so that any number may run in parallel. */
import { setTimeout as pause } from 'node:timers/promises'
import { defaultProvider } from '@aws-sdk/credential-provider-node'
import * as z from 'zod'
import { collectBuffers } from '../src/shared/collect-buffers.ts'
import { integerFrom, numberFrom } from '../src/shared/environment-numbers.ts'
import { environmentProblems } from '../src/shared/environment-problems.ts'
import { knownHostsOf } from '../src/shared/foreign-requests.ts'
import { createSigner, regionOf, type SignRequest } from '../src/signing/sign-request.ts'
import { limitConnections } from './connection-limit.ts'
import { createEdge } from './edge.ts'
import { CLIENT_SHARE_PERCENT, MAX_CONNECTIONS, RATE_PERIOD_MS } from './limits.ts'
import { type LogEntry, lineOf } from './request-log.ts'
import { createEdgeServer } from './server.ts'

/** The local stack forks the edge, with an IPC channel. */
const isLocal = process.send !== undefined

/** Default time-out of a stop: ECS and Kubernetes kill the process after 30 s. */
const DEFAULT_STOP_TIMEOUT_SECONDS = isLocal ? 2 : 25

/** Number within bounds, which its message names. */
const settingsSchema = z.object({
  PORT: integerFrom(1, 65_535),
  HOST: z.string().default('127.0.0.1'),
  /** Base URL of the API, without the service's own prefix and version. */
  API_URL: z.url({
    protocol: /^https?$/u,
    error: 'it must be the base URL of the API, such as https://engine.example.org/prod',
  }),
  /** `iam`: sign requests, with credentials from the SDK's default provider chain. */
  API_AUTH: z.enum(['none', 'iam'], { error: 'it must be none or iam' }).default('none'),
  /** Must exceed the idle time-out of a load balancer, which otherwise reuses connections that are being closed. */
  KEEP_ALIVE_SECONDS: numberFrom(1, 86_400).default(5),
  /** Maximum number of concurrent uploads, of 64 MiB of memory each; further ones wait. */
  UPLOADS_AT_ONCE: integerFrom(1, 10_000).default(12),
  /** Maximum number of client connections, of 64 KiB of memory each. */
  CONNECTIONS_AT_ONCE: integerFrom(16, 100_000).default(MAX_CONNECTIONS),
  /** Maximum percentage of the body memory for one client address; 100 where all clients share an address. */
  CLIENT_SHARE_PERCENT: integerFrom(1, 100).default(CLIENT_SHARE_PERCENT),
  /** `true`: the last entry of X-Forwarded-For is the client's address. */
  BEHIND_LOAD_BALANCER: z.stringbool({ error: 'it must be true or false' }).default(false),
  /** Accepted host names, separated by commas; `*` for any. Default: the machine's own on a loopback HOST, else any. */
  HOSTS: z.string().optional(),
  /** Requests end with 408 when less than 1 KiB a second of a body arrives on average over this time. */
  IDLE_SECONDS: numberFrom(1, 86_400).default(RATE_PERIOD_MS / 1000),
  /** Maximum time for requests in progress, uploads included, after SIGTERM. */
  STOP_TIMEOUT_SECONDS: numberFrom(0, 86_400).default(DEFAULT_STOP_TIMEOUT_SECONDS),
})

/** Time-out of a stop after SIGINT, or when the local stack has exited. */
const FAST_STOP_SECONDS = 2

/** Maximum time to discard the uploads of closed connections. */
const DISCARD_SECONDS = 0.8

collectBuffers()

const log = (entry: LogEntry): void => console.log(lineOf(entry, new Date()))

const settings = settingsSchema.safeParse(process.env)
if (!settings.success) fail(`The edge cannot start: ${environmentProblems(settings.error, process.env)}.`)
const { PORT, HOST, API_URL, API_AUTH, KEEP_ALIVE_SECONDS, STOP_TIMEOUT_SECONDS } = settings.data
const ratePeriodMs = settings.data.IDLE_SECONDS * 1000

const apiUrl = new URL(API_URL)
const sign = API_AUTH === 'iam' ? await createOwnSigner().catch(failToSign) : undefined
const edge = createEdge({
  apiUrl,
  log,
  uploadsAtOnce: settings.data.UPLOADS_AT_ONCE,
  clientSharePercent: settings.data.CLIENT_SHARE_PERCENT,
  isBehindLoadBalancer: settings.data.BEHIND_LOAD_BALANCER,
  knownHosts: knownHostsOf(settings.data.HOSTS || (isLoopback(HOST) ? '' : '*')),
  ratePeriodMs,
  ...(sign && { sign }),
})
// TCP keep-alive detects clients that vanished without a FIN, whose uploads are then discarded.
let isStopping = false
const server = createEdgeServer(
  (request, response) => {
    // Otherwise a busy keep-alive connection would last until the time-out.
    if (isStopping) response.shouldKeepAlive = false
    edge.listener(request, response)
  },
  { keepAlive: true, keepAliveInitialDelay: 60_000 },
)
// An upload may take hours; limitConnections and watchBody enforce a minimum throughput instead.
server.requestTimeout = 0
limitConnections(server, {
  maxConnections: settings.data.CONNECTIONS_AT_ONCE,
  ratePeriodMs,
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
// The local stack has exited, or was killed.
process.on('disconnect', () => void stop(FAST_STOP_SECONDS))

/** A second call may shorten the time-out of the first. */
async function stop(timeoutSeconds: number): Promise<void> {
  isStopping = true
  server.close()
  edge.endEvents()
  await Promise.race([edge.settled(), pause(timeoutSeconds * 1000)])
  server.closeAllConnections()
  await Promise.race([edge.settled(), pause(DISCARD_SECONDS * 1000)])
  process.exit(0)
}

/** Resolves credentials at start, so that an edge without any fails at once. */
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

/** The local stack shows the last line to its user. */
function fail(sentence: string): never {
  console.error(isLocal ? sentence : lineOf({ level: 'ERROR', message: sentence }, new Date()))
  process.exit(1)
}
