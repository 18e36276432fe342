import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { Progress } from '../cli/progress.ts'
import { type Child, startOurs } from './child.ts'
import { type DeployedStack, deploy } from './deploy.ts'
import { detectEngine } from './detect-engine.ts'
import { answers, installEmulator, startEmulator } from './emulator.ts'
import {
  type ContainerEngine,
  createContainerEngine,
  describeEngine,
  type EngineSettings,
} from './engine/container-engine.ts'
import { findFreePort, isPortTaken, LOOPBACK, portTakenSentence } from './ports.ts'
import { findPython } from './python-packages.ts'
import { recordingOptions } from './recording/recording.ts'
import { type Supervised, supervise } from './supervisor.ts'
import { UserError } from './user-error.ts'

export interface LocalStackOptions {
  /** Name of the folder below `.local` and label of the containers; at most 40 of `a-z0-9-`. */
  readonly instance: string
  /** Of the front door; a free one when not given. */
  readonly port?: number
  /** Folder of the logs; inside the instance's own when not given. */
  readonly logDirectory?: string
  /** Gives the address that all parts use for S3 instead of the emulator's own, for one who counts its requests. */
  readonly s3Through?: (emulatorUrl: string) => Promise<string>
  /** Gives the address that functions use for everything else in AWS but Batch, for one who disturbs their calls. */
  readonly functionsThrough?: (emulatorUrl: string) => Promise<string>
  readonly progress: Progress
}

/** A running service with all that stands in for AWS. */
export interface LocalStack {
  /** What a client uses, ending in `/app-engine/v1/`. */
  readonly baseUrl: string
  readonly apiUrl: string
  readonly emulatorUrl: string
  readonly batchUrl: string
  /** File with the pid of the Batch server that runs now. */
  readonly batchPidFile: string
  batchPid(): number
  /** What the Batch server runs containers with. */
  readonly engine: ContainerEngine
  readonly outputs: DeployedStack
  /** Leaves no process and no container behind. */
  stop(): Promise<void>
}

const PROJECT = join(import.meta.dirname, '..')
const REGION = 'us-east-1'
const ACCOUNT = '000000000000'
/** The stage's image of the stager, which runs as a plain process: no image has to be built. */
const STAGER_IMAGE = 'app-engine/stager:local'

/** One start under way: where things are, and what has to be undone in which order. */
interface Start extends LocalStackOptions {
  readonly directory: string
  readonly logs: string
  readonly cleanups: (() => Promise<void>)[]
}

/**
 * Starts emulator, Batch server, the deployed stacks and the edge, and leaves them running.
 * @throws UserError when something is missing on this machine; all that was started is stopped then.
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const directory = join(PROJECT, '.local', options.instance)
  const logs = options.logDirectory ?? join(directory, 'log')
  const start: Start = { ...options, directory, logs, cleanups: [] }
  try {
    return await startParts(start)
  } catch (error) {
    await stopAll(start)
    throw error
  }
}

async function startParts(start: Start): Promise<LocalStack> {
  const { instance, directory, logs, progress, cleanups } = start
  const port = await choosePort(start.port)
  const { settings: engineSettings, reason } = await progress.step('container engine', () => detectEngine())
  progress.say(`  ${describeEngine(engineSettings)} (${reason})`)
  await mkdir(directory, { recursive: true })
  await mkdir(logs, { recursive: true })

  const engine = createContainerEngine(engineSettings, {
    instance,
    stateDirectory: join(directory, 'batch'),
    afterwards: () => {},
  })

  const batchPort = await findFreePort()
  const batchUrl = `http://${LOOPBACK}:${batchPort}`
  const given = process.env.AWS_ENDPOINT_URL
  const emulatorUrl = given ? await checkEmulator(given) : await startOwnEmulator(start, batchUrl)
  const environment = awsEnvironment(emulatorUrl, batchUrl, await s3UrlOf(start, emulatorUrl))

  const batchPidFile = join(directory, 'batch.pid')
  const stager = await progress.step('stager', () => bundleStager(directory))
  const batch = await progress.step('local Batch server', () =>
    startBatch(start, {
      engine: engineSettings,
      stager,
      port: batchPort,
      environment,
      pidFile: batchPidFile,
    }),
  )
  cleanups.push(async () => {
    await batch.stop()
    await engine.removeLeftovers()
  })

  const outputs = await progress.step('CDK stacks', async () =>
    deploy({
      projectDirectory: PROJECT,
      instanceDirectory: directory,
      // The local stage hands this address on to its functions.
      environment: { ...environment, AWS_ENDPOINT_URL: await functionsUrlOf(start, emulatorUrl) },
      account: ACCOUNT,
      region: REGION,
    }),
  )
  const edge = await progress.step('edge', () => startEdge(start, port, outputs.apiUrl))
  cleanups.push(edge.stop)
  return {
    baseUrl: `http://${LOOPBACK}:${port}/app-engine/v1/`,
    apiUrl: outputs.apiUrl,
    emulatorUrl,
    batchUrl,
    batchPidFile,
    batchPid: batch.pid,
    engine,
    outputs,
    stop: () => stopAll(start),
  }
}

/** Undoes in reverse order, everything even when a part of it fails. */
async function stopAll({ cleanups }: Start): Promise<void> {
  const problems: unknown[] = []
  for (const cleanup of cleanups.splice(0).reverse()) {
    await cleanup().catch((error: unknown) => problems.push(error))
  }
  if (problems.length > 0)
    throw new AggregateError(problems, `could not stop everything: ${problems.join('; ')}`)
}

async function choosePort(wanted: number | undefined): Promise<number> {
  if (wanted === undefined) return findFreePort()
  if (await isPortTaken(wanted)) throw new UserError(portTakenSentence(wanted))
  return wanted
}

/** @returns the same address, without a slash at its end. */
async function checkEmulator(url: string): Promise<string> {
  if (await answers(url)) return url.replace(/\/+$/u, '')
  throw new UserError(
    `Nothing answers at AWS_ENDPOINT_URL (${url}): start that emulator, or unset the variable to have one started.`,
  )
}

async function s3UrlOf({ s3Through }: Start, emulatorUrl: string): Promise<string> {
  return s3Through === undefined ? emulatorUrl : s3Through(emulatorUrl)
}

async function functionsUrlOf({ functionsThrough }: Start, emulatorUrl: string): Promise<string> {
  return functionsThrough === undefined ? emulatorUrl : functionsThrough(emulatorUrl)
}

/** @returns the emulator's address. */
async function startOwnEmulator(start: Start, batchUrl: string): Promise<string> {
  const { directory, logs, progress, cleanups } = start
  const python = await progress.step('Python', () =>
    findPython('The AWS emulator', 'set AWS_ENDPOINT_URL to an emulator that runs already'),
  )
  const installed = await progress.step('AWS emulator, installed', () =>
    installEmulator(python, join(PROJECT, '.local', 'venv')),
  )
  // The emulator keeps everything in memory, so what the Batch server knew of an earlier one means nothing now.
  for (const part of ['definitions', 'jobs']) {
    rmSync(join(directory, 'batch', part), { recursive: true, force: true })
  }
  const port = await findFreePort()
  const url = `http://${LOOPBACK}:${port}`
  const emulator = await progress.step('AWS emulator, started', async () =>
    startEmulator({
      python: installed,
      port,
      // Functions inherit the emulator's environment, so this is also where they find AWS.
      environment: {
        ...awsEnvironment(url, batchUrl, await s3UrlOf(start, url)),
        NODE_OPTIONS: [process.env.NODE_OPTIONS ?? '', ...recordingOptions()].join(' '),
      },
      directory,
      logFile: join(logs, 'emulator.log'),
    }),
  )
  cleanups.push(emulator.stop)
  return url
}

/**
 * Makes the stager one file, as its image has it: it is started twice a run, in half the time that its sources take.
 * @returns the file.
 */
async function bundleStager(directory: string): Promise<string> {
  const file = join(directory, 'stager.mjs')
  await promisify(execFile)('node', ['local/bundle-program.ts', 'stager/main.ts', file], {
    cwd: PROJECT,
    env: { ...process.env, PATH: programPath() },
  })
  return file
}

function startBatch(
  { instance, directory, logs, progress }: Start,
  batch: {
    readonly engine: EngineSettings
    readonly stager: string
    readonly port: number
    readonly environment: NodeJS.ProcessEnv
    readonly pidFile: string
  },
): Promise<Supervised> {
  return supervise({
    start: {
      command: ['node', 'local/batch/main.ts'],
      environment: {
        ...batch.environment,
        PORT: String(batch.port),
        INSTANCE: instance,
        STATE_DIRECTORY: join(directory, 'batch'),
        CONTAINER_ENGINE: JSON.stringify(batch.engine),
        LOCAL_PROCESS_IMAGES: JSON.stringify({
          [STAGER_IMAGE]: ['node', ...recordingOptions(), batch.stager],
        }),
        AWS_ACCOUNT_ID: ACCOUNT,
        // Two stagers a job are started, and half of that is reading their code.
        NODE_COMPILE_CACHE: join(PROJECT, '.local', 'compile-cache'),
      },
      directory: PROJECT,
      logFile: join(logs, 'batch.log'),
    },
    pidFile: batch.pidFile,
    warn: progress.say,
  })
}

function startEdge({ logs }: Start, port: number, apiUrl: string): Promise<Child> {
  return startOurs({
    command: ['node', ...recordingOptions(), 'edge/main.ts'],
    environment: { PATH: programPath(), PORT: String(port), API_URL: apiUrl },
    directory: PROJECT,
    logFile: join(logs, 'edge.log'),
  })
}

/** The user's environment with the emulator in AWS's place: no profile or real credential must get in between. */
function awsEnvironment(emulatorUrl: string, batchUrl: string, s3Url: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))
  return {
    ...Object.fromEntries(own),
    PATH: programPath(),
    AWS_ENDPOINT_URL: emulatorUrl,
    AWS_ENDPOINT_URL_BATCH: batchUrl,
    AWS_ENDPOINT_URL_S3: s3Url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    // Nothing here has instance metadata; looking for it takes seconds.
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}

/** The project's own Node first: the emulator runs functions with the `node` it finds. */
function programPath(): string {
  return [join(PROJECT, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
}
