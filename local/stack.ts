import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { Progress } from '../src/shared/progress.ts'
import { ACCOUNT, awsEnvironment, type Endpoints, PROJECT, REGION } from './aws-environment.ts'
import type { Child } from './child.ts'
import { cleanUp } from './clean-up.ts'
import { type DeployedStack, deploy } from './deploy.ts'
import { detectEngine } from './detect-engine.ts'
import { checkEmulator } from './emulator.ts'
import { createContainerEngine, describeEngine } from './engine/container-engine.ts'
import type { ContainerEngine } from './engine/container-run.ts'
import { instancePorts } from './instance-ports.ts'
import { openInstanceState } from './instance-state.ts'
import {
  buildConsole,
  bundleStager,
  type PartsContext,
  prepareEmulator,
  startBatch,
  startEdge,
  startEmulatorPart,
  startStorage,
} from './parts.ts'
import { checkBindAddress, choosePort, LOOPBACK, reachedAt } from './ports.ts'
import { makePrivateFolder } from './private-folder.ts'
import {
  knownHosts,
  pageOrigins,
  readStackSettings,
  registryHostsOf,
  type StackSettings,
  variablesOf,
} from './stack-settings.ts'
import { type Supervised, supervise } from './supervisor.ts'

export interface LocalStackOptions {
  /** Name of the folder below `.local` and label of the containers; at most 40 of `a-z0-9-`. */
  readonly instance: string
  /** Port of the edge; a free one by default. */
  readonly port?: number
  /** Whether to remove the state of earlier starts first. */
  readonly isFresh?: boolean
  /** Folder of the logs; by default inside the instance's folder. */
  readonly logDirectory?: string
  /** Addresses; by default from the variables of this process. */
  readonly settings?: StackSettings
  /** Replaces the address of the object store for all parts, for a test that observes its requests. */
  readonly s3Through?: (s3Url: string) => Promise<string>
  /** Replaces the address of the emulator for the functions, for a test that injects faults into their calls. */
  readonly functionsThrough?: (emulatorUrl: string) => Promise<string>
  /** Command that is run in place of every task's container, for a bench that measures everything else. Isolates nothing. */
  readonly taskProcess?: readonly string[]
  /** Whether the stagers run inside the Batch server, for a bench with many runs. */
  readonly stagesHere?: boolean
  /** Options of Node for functions, stager and edge, for tests that record their calls. */
  readonly nodeOptions?: readonly string[]
  readonly progress: Progress
  /** Aborts a start within seconds; no effect once the stack runs. */
  readonly signal?: AbortSignal
}

/** A running service with its emulators. */
export interface LocalStack {
  /** Base URL for clients, ending in `/app-engine/v1/`. */
  readonly baseUrl: string
  readonly apiUrl: string
  readonly emulatorUrl: string
  /** Object store, and registry below `/v2/`. */
  readonly storageUrl: string
  readonly batchUrl: string
  /** Files with the process id of each running part, by the part's name. */
  readonly pidFiles: Readonly<Record<PartName, string>>
  batchPid(): number
  readonly engine: ContainerEngine
  readonly outputs: DeployedStack
  /** Resolves with a sentence when a part ended and could not be restarted; the others still run. */
  readonly failed: Promise<string>
  /** Stops everything, and leaves no process and no container. */
  stop(): Promise<void>
}

/** Programs of a stack, in the order of their start. With a user's own emulator, only the last two. */
export const PART_NAMES = ['emulator', 'storage', 'batch', 'edge'] as const
export type PartName = (typeof PART_NAMES)[number]

/** State of one start: folders, and clean-ups in the order in which they were registered. */
interface Start extends LocalStackOptions {
  readonly settings: StackSettings
  readonly directory: string
  readonly logs: string
  readonly cleanups: (() => Promise<void>)[]
  readonly onDead: (reason: string) => void
  readonly signal: AbortSignal
}

/**
 * Starts emulator, object store, Batch server, the deployed stacks and the edge, and restarts parts that end.
 * @throws UserError when this machine lacks a requirement; the reason of an aborted signal. All started parts are stopped then.
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const settings = options.settings ?? readStackSettings()
  const directory = join(PROJECT, '.local', options.instance)
  const logs = options.logDirectory ?? join(directory, 'log')
  const { promise: failed, resolve: onDead } = Promise.withResolvers<string>()
  const ending = new AbortController()
  const abort = (): void => ending.abort(options.signal?.reason)
  options.signal?.addEventListener('abort', abort)
  if (options.signal?.aborted) abort()
  const start: Start = { ...options, settings, directory, logs, cleanups: [], onDead, signal: ending.signal }
  try {
    return { ...(await startParts(start)), failed }
  } catch (error) {
    await stopAll(start)
    throw error
  } finally {
    // The signal aborts only the start: a running stack ends by `stop`.
    options.signal?.removeEventListener('abort', abort)
  }
}

/**
 * Starts a stack for a test or a bench. Its disposal, or an interruption ({@link cleanUp}), leaves no process and no container,
 * and no folder unless `keepsFolder`.
 */
export async function startTemporaryStack({
  keepsFolder = false,
  ...options
}: LocalStackOptions & { readonly keepsFolder?: boolean }): Promise<LocalStack & AsyncDisposable> {
  const ending = new AbortController()
  const starting = startLocalStack({ ...options, signal: ending.signal })
  const end = cleanUp(async () => {
    ending.abort()
    try {
      const stack = await starting.catch(() => undefined)
      await stack?.stop()
    } finally {
      if (!keepsFolder) await rm(join(PROJECT, '.local', options.instance), { recursive: true, force: true })
    }
  })
  try {
    return { ...(await starting), ...end }
  } catch (error) {
    await end[Symbol.asyncDispose]()
    throw error
  }
}

async function startParts(start: Start): Promise<Omit<LocalStack, 'failed'>> {
  const { instance, directory, logs, progress, cleanups, settings, signal } = start
  const port = await choosePort(start.port)
  const { settings: engineSettings, reason } = await progress.step('container engine', () =>
    detectEngine({ instance, signal }),
  )
  progress.say(`  ${describeEngine(engineSettings)} (${reason})`)
  makePrivateFolder(directory)
  await mkdir(logs, { recursive: true })
  const state = openInstanceState(directory, start.isFresh === true)
  const engine = createContainerEngine(engineSettings, {
    instance,
    stateDirectory: state.batch,
    afterwards: () => {},
  })

  const ports = await instancePorts(state.portsFile)
  await checkBindAddress(ports.batch, settings.BATCH_BIND_ADDRESS)
  const given = settings.AWS_ENDPOINT_URL
  const emulatorUrl = given ? await checkEmulator(given, signal) : urlOf(ports.emulator)
  const storageUrl = given ? emulatorUrl : urlOf(ports.storage)
  const s3Url = (await start.s3Through?.(storageUrl)) ?? storageUrl
  const batchUrl = urlOf(ports.batch, reachedAt(settings.BATCH_BIND_ADDRESS))
  const endpoints: Endpoints = { emulatorUrl, batchUrl, s3Url }
  const registryUrl = settings.REGISTRY_URL ?? storageUrl
  const hosts = knownHosts(settings)
  const context: PartsContext = {
    ...{ instance, directory, logs, state, endpoints, knownHosts: hosts, signal },
    pageOrigins: pageOrigins(settings, port, process.env.HOSTS),
    nodeOptions: start.nodeOptions ?? [],
  }
  if (!given) await startOwnEmulator(start, context, ports)

  const stager = await progress.step('stager', () => bundleStager(context))
  // Registered before the Batch server, so that it runs after the server's end, when no container can start any more.
  cleanups.push(() => engine.removeStaleContainers())
  const batch = await startPart(start, 'batch', 'local Batch server', () =>
    startBatch(context, {
      ...{ engine: engineSettings, stager, port: ports.batch, bindAddress: settings.BATCH_BIND_ADDRESS },
      registryHosts: registryHostsOf(registryUrl, settings),
      ...{ taskProcess: start.taskProcess, stagesHere: start.stagesHere },
    }),
  )
  if (settings.CONSOLE !== 'off') await progress.step('console', () => buildConsole(signal))
  const outputs = await progress.step('CDK stacks', () => deployTo(start, endpoints, registryUrl))
  if (!given) await createBucket(storageUrl, outputs.bucketName)
  await startPart(start, 'edge', 'edge', () => startEdge(context, port, outputs.apiUrl))
  return {
    baseUrl: `${urlOf(port)}/app-engine/v1/`,
    apiUrl: outputs.apiUrl,
    emulatorUrl,
    storageUrl,
    batchUrl: endpoints.batchUrl,
    pidFiles: pidFilesOf(directory),
    batchPid: batch.pid,
    engine,
    outputs,
    stop: () => stopAll(start),
  }
}

async function startOwnEmulator(
  start: Start,
  context: PartsContext,
  ports: { readonly emulator: number; readonly storage: number },
): Promise<void> {
  const python = await start.progress.step('AWS emulator, installed', () => prepareEmulator(start.signal))
  // The emulator does not remove the unpacked code of functions. The folder is outside of the project, where Node would take the
  // code for ES modules.
  const temporaryDirectory = await mkdtemp(join(tmpdir(), 'app-engine-'))
  start.cleanups.push(() => rm(temporaryDirectory, { recursive: true, force: true }))
  await startPart(start, 'emulator', 'AWS emulator', () =>
    startEmulatorPart(context, { python, port: ports.emulator, temporaryDirectory }),
  )
  await startPart(start, 'storage', 'object store and registry', () => startStorage(context, ports.storage))
}

/** Starts a part that is restarted when it ends, and stopped with the stack. */
async function startPart(
  { directory, progress, cleanups, onDead }: Start,
  part: PartName,
  name: string,
  startOnce: () => Promise<Child>,
): Promise<Supervised> {
  const supervised = await progress.step(name, () =>
    supervise({ name, start: startOnce, pidFile: pidFilesOf(directory)[part], warn: progress.say, onDead }),
  )
  cleanups.push(supervised.stop)
  return supervised
}

async function deployTo(
  { directory, functionsThrough, settings, signal }: Start,
  endpoints: Endpoints,
  registryUrl: string,
): Promise<DeployedStack> {
  const { emulatorUrl } = endpoints
  return deploy({
    projectDirectory: PROJECT,
    instanceDirectory: directory,
    environment: {
      // CDK's own assets are stored where the emulator's CloudFormation looks for them.
      ...awsEnvironment({ ...endpoints, s3Url: emulatorUrl }),
      // The local stage passes these addresses to its functions.
      AWS_ENDPOINT_URL: (await functionsThrough?.(emulatorUrl)) ?? emulatorUrl,
      OBJECT_STORE_URL: endpoints.s3Url,
      REGISTRY_URL: registryUrl,
      ...variablesOf(settings),
    },
    account: ACCOUNT,
    region: REGION,
    signal,
  })
}

/** CloudFormation created the bucket in the emulator; the functions use the bucket of this name in the object store. */
async function createBucket(endpoint: string, Bucket: string): Promise<void> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const client = new S3Client({ endpoint, region: REGION, credentials, forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket }))
  client.destroy()
}

/** Runs all clean-ups in reverse order, also after a failure. */
async function stopAll({ cleanups }: Start): Promise<void> {
  const problems: unknown[] = []
  for (const cleanup of cleanups.splice(0).reverse()) {
    await cleanup().catch((error: unknown) => problems.push(error))
  }
  if (problems.length > 0)
    throw new AggregateError(problems, `could not stop everything: ${problems.join('; ')}`)
}

function pidFilesOf(directory: string): Record<PartName, string> {
  const entries = PART_NAMES.map((name) => [name, join(directory, `${name}.pid`)])
  return Object.fromEntries(entries) as Record<PartName, string>
}

function urlOf(port: number, host: string = LOOPBACK): string {
  return `http://${host}:${port}`
}
