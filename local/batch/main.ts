/*
 * Local Batch server: the part of AWS Batch that the service uses, on top of a container engine. Started by local mode, which
 * restarts it after a crash. Acknowledged jobs are on disk.
 */
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import * as z from 'zod'
import { integerFrom } from '../../src/shared/environment-numbers.ts'
import { knownHostsOf } from '../../src/shared/foreign-requests.ts'
import { createContainerEngine, engineSettingsSchema } from '../engine/container-engine.ts'
import { reachedAt } from '../ports.ts'
import { makePrivateFolder } from '../private-folder.ts'
import { readSettings } from '../settings.ts'
import { createFaultInjection } from './faults.ts'
import { JobRunner } from './job-runner.ts'
import { createOperations } from './operations.ts'
import { createOutbox } from './outbox.ts'
import { createRuleDelivery } from './rule-targets.ts'
import { createRunTask } from './run-task.ts'
import { createBatchServer } from './server.ts'
import { openStateStore } from './state-store.ts'
import { createTaskMetadata } from './task-metadata.ts'

const json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema)

/** Maximum number of concurrent jobs: each has processes of its own. */
const MAX_CAPACITY = 1000

const settings = readSettings({
  PORT: z.coerce.number().int(),
  BIND_ADDRESS: z.ipv4(),
  /** Accepted host names in addition to this machine's, separated by commas. */
  KNOWN_HOSTS: z.string().transform(knownHostsOf),
  /** Names of registries on this machine, by their names in image references. */
  REGISTRY_HOSTS: json(z.record(z.string(), z.string())),
  /** Label that distinguishes the containers of several servers on one machine. */
  INSTANCE: z.string().regex(/^[a-z0-9-]{1,40}$/u),
  STATE_DIRECTORY: z.string(),
  CONTAINER_ENGINE: json(engineSettingsSchema),
  /** Images that run as plain processes, with the command that replaces each. */
  LOCAL_PROCESS_IMAGES: json(z.record(z.string(), z.array(z.string()).min(1))),
  /** Command that replaces every task's container, for load tests without the cost of containers. */
  TASK_PROCESS: json(z.array(z.string()).min(1)).optional(),
  /** Runs the stagers inside this process, for the same tests. */
  STAGES_HERE: z.literal('yes').optional(),
  AWS_ENDPOINT_URL: z.url(),
  AWS_REGION: z.string(),
  AWS_ACCOUNT_ID: z.string().default('000000000000'),
  /** Number of concurrent jobs. */
  CAPACITY: integerFrom(1, MAX_CAPACITY).default(Math.max(1, availableParallelism())),
})

const log = (text: string): void => console.log(`${new Date().toISOString()} ${text}`)
const origin = { account: settings.AWS_ACCOUNT_ID, region: settings.AWS_REGION }
const workDirectory = join(settings.STATE_DIRECTORY, 'volumes')
const pendingRemovals = new Set<Promise<unknown>>()

const store = openStateStore(settings.STATE_DIRECTORY, Date.now())
const engine = createContainerEngine(settings.CONTAINER_ENGINE, {
  instance: settings.INSTANCE,
  stateDirectory: settings.STATE_DIRECTORY,
  afterwards(work) {
    pendingRemovals.add(work)
    void work.finally(() => pendingRemovals.delete(work))
  },
})
const faults = createFaultInjection(log)
const deliver = createRuleDelivery(new EventBridgeClient({}), settings.AWS_ENDPOINT_URL, log)
const outbox = createOutbox(store, faults.events(deliver), log)
const metadata = createTaskMetadata({
  baseUrl: `http://${reachedAt(settings.BIND_ADDRESS)}:${settings.PORT}`,
  uuid: randomUUID,
  fault: () => faults.now().metadata,
})
const runTask = createRunTask({
  engine,
  metadata,
  logs: new CloudWatchLogsClient({}),
  processImages: settings.LOCAL_PROCESS_IMAGES,
  taskProcess: settings.TASK_PROCESS,
  stagesHere: settings.STAGES_HERE !== undefined,
  registryHosts: settings.REGISTRY_HOSTS,
  instance: settings.INSTANCE,
  log,
})
const clock = { now: Date.now, uuid: randomUUID }
const runner = new JobRunner({
  store,
  outbox,
  runTask,
  origin,
  workDirectory,
  capacity: settings.CAPACITY,
  longestAttemptSeconds: () => faults.now().attemptSeconds,
  ...clock,
})
const operations = createOperations({ store, runner, origin, ...clock })
const server = createBatchServer(faults.operations(operations), log, {
  knownHosts: settings.KNOWN_HOSTS,
  metadata,
})

/** Ends all jobs, then this process. */
async function stop(): Promise<void> {
  server.close()
  await runner.stop()
  await Promise.allSettled(pendingRemovals)
  await engine.images.removePulled()
  process.exit(0)
}

let isStopping = false
const stopOnce = (): void => {
  if (isStopping) return
  isStopping = true
  void stop()
}
process.on('SIGTERM', stopOnce)
process.on('SIGINT', stopOnce)
// The parent process has exited.
process.on('disconnect', stopOnce)

// An earlier server process may have been killed while it ran jobs.
await engine.removeStaleContainers()
await rm(workDirectory, { recursive: true, force: true }).catch((error: unknown) => log(String(error)))
makePrivateFolder(workDirectory)

server.listen(settings.PORT, settings.BIND_ADDRESS, () => {
  runner.resume()
  log(
    `the local Batch server listens on ${settings.BIND_ADDRESS}:${settings.PORT}, ${settings.CAPACITY} concurrent jobs`,
  )
  process.send?.('ready')
})
