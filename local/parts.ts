import { join } from 'node:path'
import { ACCOUNT, awsEnvironment, type Endpoints, PROJECT, programPath } from './aws-environment.ts'
import { type Child, startOurs } from './child.ts'
import { installEmulator, startEmulator } from './emulator.ts'
import type { EngineSettings } from './engine/container-engine.ts'
import type { InstanceState } from './instance-state.ts'
import { findPython } from './python-packages.ts'
import { runProgram } from './run-program.ts'

/** Settings that all parts of one instance share. */
export interface PartsContext {
  readonly instance: string
  readonly directory: string
  readonly logs: string
  readonly state: InstanceState
  readonly endpoints: Endpoints
  /** Accepted host names of its servers in addition to this machine's, separated by commas. */
  readonly knownHosts: string
  /** Aborts the stack's start. */
  readonly signal: AbortSignal
  /** Address of the console for browsers. */
  readonly pageOrigins: readonly string[]
  /** Options of Node for functions, stager and edge. */
  readonly nodeOptions: readonly string[]
}

/** Image of the stager in the stage. It runs as a plain process, so no image is built. */
const STAGER_IMAGE = 'app-engine/stager:local'

/**
 * @returns the Python with the emulator
 * @throws UserError when the emulator cannot be installed
 */
export async function prepareEmulator(signal?: AbortSignal): Promise<string> {
  const python = await findPython(
    'The AWS emulator',
    'set AWS_ENDPOINT_URL to an emulator that runs already',
    { signal },
  )
  return installEmulator(python, join(PROJECT, '.local', 'venv'), signal)
}

/** Starts the AWS emulator. */
export function startEmulatorPart(
  { directory, logs, state, endpoints, knownHosts, nodeOptions, signal }: PartsContext,
  emulator: { readonly python: string; readonly port: number; readonly temporaryDirectory: string },
): Promise<Child> {
  const { python, port, temporaryDirectory } = emulator
  return startEmulator({
    python,
    port,
    // Functions inherit the emulator's environment, so they find AWS by these variables too.
    environment: {
      ...awsEnvironment(endpoints),
      KNOWN_HOSTS: knownHosts,
      TMPDIR: temporaryDirectory,
      NODE_OPTIONS: [process.env.NODE_OPTIONS ?? '', ...nodeOptions].join(' '),
    },
    directory,
    stateDirectory: state.emulator,
    logFile: join(logs, 'emulator.log'),
    signal,
  })
}

/** Starts the object store and registry, which store their data on disk. */
export function startStorage(
  { logs, state, endpoints, knownHosts, pageOrigins, signal }: PartsContext,
  port: number,
): Promise<Child> {
  return startOurs({
    command: ['node', 'local/storage/main.ts'],
    environment: {
      ...awsEnvironment(endpoints),
      PORT: String(port),
      KNOWN_HOSTS: knownHosts,
      PAGE_ORIGINS: pageOrigins.join(','),
      STATE_DIRECTORY: state.storage,
      AWS_ACCOUNT_ID: ACCOUNT,
    },
    directory: PROJECT,
    logFile: join(logs, 'storage.log'),
    signal,
  })
}

/** Starts the Batch server. */
export function startBatch(
  { instance, logs, state, endpoints, knownHosts, nodeOptions, signal }: PartsContext,
  batch: {
    readonly engine: EngineSettings
    readonly stager: string
    readonly port: number
    readonly bindAddress: string
    readonly registryHosts: Readonly<Record<string, string>>
    readonly taskProcess: readonly string[] | undefined
    readonly stagesHere: boolean | undefined
  },
): Promise<Child> {
  return startOurs({
    command: ['node', 'local/batch/main.ts'],
    environment: {
      ...awsEnvironment(endpoints),
      // This option replaces the containers of all tasks, so the value in the user's environment is not inherited.
      TASK_PROCESS: batch.taskProcess && JSON.stringify(batch.taskProcess),
      STAGES_HERE: batch.stagesHere ? 'yes' : undefined,
      PORT: String(batch.port),
      BIND_ADDRESS: batch.bindAddress,
      KNOWN_HOSTS: knownHosts,
      REGISTRY_HOSTS: JSON.stringify(batch.registryHosts),
      INSTANCE: instance,
      STATE_DIRECTORY: state.batch,
      CONTAINER_ENGINE: JSON.stringify(batch.engine),
      LOCAL_PROCESS_IMAGES: JSON.stringify({ [STAGER_IMAGE]: ['node', ...nodeOptions, batch.stager] }),
      AWS_ACCOUNT_ID: ACCOUNT,
      // Each job starts the stager twice, and half of its time is loading code.
      NODE_COMPILE_CACHE: join(PROJECT, '.local', 'compile-cache'),
    },
    directory: PROJECT,
    logFile: join(logs, 'batch.log'),
    signal,
  })
}

export function startEdge(
  { logs, nodeOptions, signal }: PartsContext,
  port: number,
  apiUrl: string,
): Promise<Child> {
  return startOurs({
    command: ['node', ...nodeOptions, 'edge/main.ts'],
    environment: {
      PATH: programPath(),
      PORT: String(port),
      API_URL: apiUrl,
      // Needed when users reach this machine by other names.
      ...(process.env.HOSTS === undefined ? {} : { HOSTS: process.env.HOSTS }),
    },
    directory: PROJECT,
    logFile: join(logs, 'edge.log'),
    signal,
  })
}

/**
 * Bundles the stager into one file, like its image. It starts twice per run, in half the time of its sources.
 * @returns the file
 */
export async function bundleStager({ directory, signal }: PartsContext): Promise<string> {
  const file = join(directory, 'stager.mjs')
  await runProgram(['node', 'local/bundle-program.ts', 'stager/main.ts', file], {
    cwd: PROJECT,
    env: { ...process.env, PATH: programPath() },
    signal,
  })
  return file
}

/** Builds the console's pages unless those of the same sources exist. The deployment copies them. */
export async function buildConsole(signal?: AbortSignal): Promise<void> {
  const env = { ...process.env, PATH: programPath() }
  await runProgram(['node', 'console/build.ts'], { cwd: PROJECT, env, signal })
}
