import { mkdirSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { ECRClient } from '@aws-sdk/client-ecr'
import { PREFIXES } from '../../src/contract/storage-keys.ts'
import type { KnownHosts } from '../../src/shared/foreign-requests.ts'
import type { BusEvent } from '../batch/rule-targets.ts'
import { refuseForeignPage } from '../foreign-pages.ts'
import { createBlobs } from './blobs.ts'
import { openCatalogue } from './catalogue.ts'
import { openDataFiles } from './data-files.ts'
import { createEventQueue } from './event-queue.ts'
import { createMultipart } from './multipart.ts'
import { createObjects } from './objects.ts'
import { answerPage, isOfPage } from './pages.ts'
import { answerRegistry } from './registry-server.ts'
import { answerS3 } from './s3-server.ts'
import { removeUnusedBlobs } from './unused-blobs.ts'

export interface StorageOptions {
  /** Folder of the database and the data files; created if it is missing. */
  readonly directory: string
  /** Accepted host names in addition to this machine's. */
  readonly knownHosts?: KnownHosts
  /** Origins of the console, whose pages may read and write with presigned URLs. */
  readonly pageOrigins?: readonly string[]
  /** Address of the emulator, which stores repositories and manifests. */
  readonly emulatorUrl: URL
  /** Delivers an event to the targets of its rules. */
  readonly deliver: (event: BusEvent) => Promise<void>
  /** Account and Region in the events. */
  readonly origin: { readonly account: string; readonly region: string }
  readonly log: (text: string) => void
}

const DAY_MS = 24 * 60 * 60 * 1000
/** Lifecycle rules of the bucket (lib/stacks/storage-stack.ts). */
const UNFINISHED_PARTS_MS = DAY_MS
const EXPIRING: readonly (readonly [prefix: string, afterMs: number])[] = [
  [PREFIXES.uploads, 7 * DAY_MS],
  [PREFIXES.installs, 7 * DAY_MS],
]

/**
 * The part of S3 that the service uses, and `/v2/` of a registry, with their bytes on disk. Memory: about 512 KiB for each
 * request in progress, and SQLite's page cache of 2 MiB.
 */
export function createStorageServer({
  directory,
  knownHosts = [],
  pageOrigins = [],
  emulatorUrl,
  deliver,
  origin,
  log,
}: StorageOptions) {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const catalogue = openCatalogue(join(directory, 'catalogue.sqlite'))
  const files = openDataFiles(join(directory, 'data'))
  // Removes incomplete files of a killed process.
  files.removeUnused(catalogue.isFileUsed)
  const objects = createObjects(catalogue)
  const multipart = createMultipart(catalogue)
  const blobs = createBlobs(catalogue, files, Date.now)
  const onEvent = createEventQueue(catalogue, deliver, log)
  const s3 = { catalogue, files, objects, multipart, nowMs: Date.now, onEvent, origin }
  const registry = { blobs, files, emulatorUrl }

  // Bodies of gigabytes take longer than Node's time-out of five minutes.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 65_000 }, (request, response) => {
    if (answerPage(request, response, pageOrigins)) return
    const looksAt = isRead(request) || isOfPage(request, pageOrigins) ? 'host' : 'all'
    if (refuseForeignPage(request, response, { looksAt, knownHosts })) return
    const isRegistry = request.url?.startsWith('/v2/') === true
    const answered = isRegistry
      ? answerRegistry(registry, request, response)
      : answerS3(s3, request, response, log)
    answered.catch((error: unknown) => {
      if (!request.destroyed) log(`${request.method} ${request.url}: ${String(error)}`)
      if (response.headersSent) response.destroy()
      else response.writeHead(500).end()
    })
  })

  return {
    server,
    /** Delivers remaining events of an earlier process. */
    resume: onEvent,

    /** Removes expired objects and unused blobs, like S3's lifecycle rules and ECR. */
    async removeExpired(ecr: ECRClient): Promise<void> {
      const now = Date.now()
      await files.remove([
        ...multipart.removeBefore(now - UNFINISHED_PARTS_MS),
        ...EXPIRING.flatMap(([prefix, afterMs]) => objects.expire(prefix, now - afterMs)),
      ])
      await removeUnusedBlobs(blobs, ecr, now)
    },

    /** Closes the server and its open connections. */
    close(): void {
      server.close()
      server.closeAllConnections()
      catalogue.close()
    },
  }
}

/**
 * Whether a page of any origin may send the request: browsers follow the service's redirects to this server. Pages other than the
 * console cannot read the responses, because these have no CORS headers. Writes by such pages are refused, presigned or not.
 */
function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD'
}
