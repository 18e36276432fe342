/* The edge: the front door in front of the API. Holds no state; as many as wanted may run side by side. */
import { createServer } from 'node:http'
import * as z from 'zod'
import { createProxy } from './proxy.ts'

const settingsSchema = z.object({
  PORT: z.coerce.number().int().min(1).max(65_535),
  HOST: z.string().default('127.0.0.1'),
  /** Base URL of the API, without the service's own prefix and version. */
  API_URL: z.url({ protocol: /^https?$/u }),
})

/** Requests under way get this long to end after SIGTERM. */
const STOP_TIMEOUT_MS = 3000

const log = (text: string): void => console.log(`${new Date().toISOString()} ${text}`)

const settings = settingsSchema.safeParse(process.env)
if (!settings.success) fail(`The edge cannot start: ${z.prettifyError(settings.error)}`)
const { PORT, HOST, API_URL } = settings.data

const server = createServer(createProxy(new URL(API_URL), log))
// An upload may take hours, and so may a client that reads slowly.
server.requestTimeout = 0

server.once('error', (error: NodeJS.ErrnoException) => {
  fail(
    error.code === 'EADDRINUSE'
      ? `Port ${PORT} is in use by another program: stop it, or choose another port with the environment variable PORT.`
      : `The edge cannot start: ${error.message}`,
  )
})
server.listen(PORT, HOST, () => {
  log(`the edge listens on ${HOST}:${PORT} for ${API_URL}`)
  process.send?.('ready')
})

process.on('SIGTERM', stop)
process.on('SIGINT', stop)
// Local mode is gone, however it went.
process.on('disconnect', stop)

function stop(): void {
  setTimeout(() => server.closeAllConnections(), STOP_TIMEOUT_MS).unref()
  server.close(() => process.exit(0))
}

function fail(sentence: string): never {
  console.error(sentence)
  process.exit(1)
}
