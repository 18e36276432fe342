/*
 * Local object store and registry as a process. Started by local mode, which restarts it after a crash. Acknowledged data are on
 * disk.
 */
import { ECRClient } from '@aws-sdk/client-ecr'
import { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import * as z from 'zod'
import { knownHostsOf } from '../../src/shared/foreign-requests.ts'
import { createRuleDelivery } from '../batch/rule-targets.ts'
import { LOOPBACK } from '../ports.ts'
import { readSettings } from '../settings.ts'
import { createStorageServer } from './storage-server.ts'

const settings = readSettings({
  PORT: z.coerce.number().int(),
  STATE_DIRECTORY: z.string(),
  /** Accepted host names in addition to this machine's, separated by commas. */
  KNOWN_HOSTS: z.string().transform(knownHostsOf),
  /** Origins of the console, separated by commas. */
  PAGE_ORIGINS: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((origin) => origin !== '')),
  /** Emulator of rules, functions, repositories and manifests. */
  AWS_ENDPOINT_URL: z.url(),
  AWS_REGION: z.string(),
  AWS_ACCOUNT_ID: z.string().default('000000000000'),
})

const EXPIRY_INTERVAL_MS = 60 * 60 * 1000

const log = (text: string): void => console.log(`${new Date().toISOString()} ${text}`)
const ecr = new ECRClient({})
const storage = createStorageServer({
  directory: settings.STATE_DIRECTORY,
  knownHosts: settings.KNOWN_HOSTS,
  pageOrigins: settings.PAGE_ORIGINS,
  emulatorUrl: new URL(settings.AWS_ENDPOINT_URL),
  deliver: createRuleDelivery(new EventBridgeClient({}), settings.AWS_ENDPOINT_URL, log),
  origin: { account: settings.AWS_ACCOUNT_ID, region: settings.AWS_REGION },
  log,
})

function removeExpired(): void {
  storage
    .removeExpired(ecr)
    .catch((error: unknown) => log(`could not remove what has expired: ${String(error)}`))
}

function stop(): void {
  storage.close()
  process.exit(0)
}

process.on('SIGTERM', stop)
process.on('SIGINT', stop)
// The parent process has exited.
process.on('disconnect', stop)

setInterval(removeExpired, EXPIRY_INTERVAL_MS).unref()
storage.server.listen(settings.PORT, LOOPBACK, () => {
  storage.resume()
  removeExpired()
  log(`the local object store and registry listen on port ${settings.PORT}`)
  process.send?.('ready')
})
