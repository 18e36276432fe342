import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { PROJECT } from '../../local/aws-environment.ts'
import type { Child, ChildOptions } from '../../local/child.ts'
import { installEmulator, MINISTACK_VERSION, startAnswering, startEmulator } from '../../local/emulator.ts'
import { findFreePort, LOOPBACK } from '../../local/ports.ts'
import { findPython, installPackages } from '../../local/python-packages.ts'
import { findGo, installGoProgram } from './go-program.ts'
import { listeningAddresses } from './listening-addresses.ts'
import { STACK_SUITES } from './stack-suites.ts'

/** An emulator that the ports' contract suites run against. */
export interface Emulator {
  readonly title: string
  readonly version: string
  /** Test files below `test/integration/adapters/` that run on it. */
  readonly suites: readonly string[]
  /** Test files below `test/integration/` that run with the stacks deployed to it. Absent if the stacks cannot be deployed. */
  readonly stackSuites?: readonly string[]
  /**
   * @returns the Python or Go that {@link install} needs
   * @throws UserError when this machine has none
   */
  readonly findTool: () => Promise<string>
  /**
   * @returns the program for {@link start}
   * @throws UserError when it cannot be installed
   */
  readonly install: (tool: string) => Promise<string>
  readonly start: (program: string, place: Place) => Promise<Child>
}

interface Place {
  readonly port: number
  /** Empty folder for its state. */
  readonly directory: string
  readonly logFile: string
  /** Additional variables. */
  readonly environment: NodeJS.ProcessEnv
}

export interface RunningEmulator {
  readonly url: string
  stop(): Promise<void>
}

const LOCALSTACK_VERSION = '2026.3.0'
const MOTO_VERSION = '5.2.5'
const VERSITYGW = 'github.com/versity/versitygw/cmd/versitygw'
const VERSITYGW_VERSION = '1.8.0'

const VENVS = join(PROJECT, '.local', 'venv')
const CONSTRAINTS = join(import.meta.dirname, 'localstack-constraints.txt')
/** LocalStack takes 4 to 16 s alone on the machine. */
const START_TIMEOUT_MS = 120_000

const S3 = ['s3-object-store', 's3-part-store']
/** DynamoDB is not among them, because LocalStack cannot offer it here: see docs/local.md. */
const MANAGED = ['sfn-run-workflow', 'cloudwatch-log-store', 'event-bus']

export const EMULATORS = {
  ministack: {
    title: 'MiniStack',
    version: MINISTACK_VERSION,
    suites: [...S3, ...MANAGED, 'dynamo-repositories'],
    stackSuites: STACK_SUITES,
    findTool: () => findPython('MiniStack'),
    install: (python) => installEmulator(python, VENVS),
    start: (python, { port, directory, logFile, environment }) =>
      startEmulator({
        ...{ python, port, directory, logFile, environment: { ...process.env, ...environment } },
        stateDirectory: join(directory, 'state'),
      }),
  },
  localstack: {
    title: 'LocalStack',
    version: LOCALSTACK_VERSION,
    suites: [...S3, ...MANAGED],
    stackSuites: STACK_SUITES,
    findTool: findPythonForLocalStack,
    install: installLocalStack,
    start: startLocalStackCore,
  },
  moto: {
    title: 'moto',
    version: MOTO_VERSION,
    suites: [...S3, ...MANAGED, 'dynamo-repositories'],
    findTool: () => findPython('moto'),
    install: (python) =>
      installPackages({
        python,
        directory: VENVS,
        name: `moto-${MOTO_VERSION}`,
        packages: [`moto[server,all]==${MOTO_VERSION}`],
        title: 'moto',
      }),
    start: async (python, place) =>
      startWaiting(
        { command: [python, '-m', 'moto.server', '-H', LOOPBACK, '-p', String(place.port)] },
        place,
      ),
  },
  versitygw: {
    title: 'versitygw',
    version: VERSITYGW_VERSION,
    suites: S3,
    findTool: findGo,
    install: (go) => installGoProgram(go, VERSITYGW, `v${VERSITYGW_VERSION}`),
    start: startVersityGateway,
  },
} as const satisfies Record<string, Emulator>
export type EmulatorName = keyof typeof EMULATORS

/** @throws Error naming the known emulators */
export function emulatorNamed(name: string | undefined): EmulatorName {
  const names = Object.keys(EMULATORS) as EmulatorName[]
  const found = names.find((known) => known === name)
  if (found === undefined) throw new Error(`EMULATOR is ${name}, but must be one of ${names.join(', ')}`)
  return found
}

/**
 * Installs an emulator, starts it in its own folder, and checks that it listens on the loopback only.
 * @throws UserError when it cannot be installed; Error when it listens on other addresses
 */
export async function runEmulator(
  name: EmulatorName,
  environment: NodeJS.ProcessEnv = {},
  logName = `test-${name}`,
): Promise<RunningEmulator> {
  const { findTool, install, start }: Emulator = EMULATORS[name]
  const program = await install(await findTool())
  const directory = await mkdtemp(join(tmpdir(), `${name}-`))
  const port = await findFreePort()
  const place = {
    port,
    directory: join(directory, 'data'),
    logFile: join(PROJECT, '.local', 'log', `${logName}.log`),
    environment,
  }
  await mkdir(place.directory)
  const child = await start(program, place).catch(async (error: unknown) => {
    await rm(directory, { recursive: true, force: true })
    throw error
  })
  const stop = async (): Promise<void> => {
    await child.stop()
    await rm(directory, { recursive: true, force: true })
  }
  const open = listeningAddresses(child.pid).filter((address) => !address.startsWith(`${LOOPBACK}:`))
  if (open.length === 0) return { url: `http://${LOOPBACK}:${port}`, stop }
  await stop()
  throw new Error(`${name} also listens on addresses other than ${LOOPBACK}: ${open.join(', ')}`)
}

/** LocalStack's package states Python 3.10, but its sources need 3.13 (`warnings.deprecated`, `threading.Lock` as a type). */
function findPythonForLocalStack(): Promise<string> {
  const pyenv = globSync(join(homedir(), '.pyenv/versions/3.1[3-9]*/bin/python')).toSorted()
  const programs = ['python3', 'python3.13', 'python3.14', ...pyenv]
  return findPython('LocalStack', undefined, { programs, oldest: '3.13' })
}

/** Installs only the engine of LocalStack, which needs neither docker nor a token. */
async function installLocalStack(python: string): Promise<string> {
  const digest = createHash('sha256').update(readFileSync(CONSTRAINTS)).digest('hex').slice(0, 8)
  return installPackages({
    python,
    directory: VENVS,
    name: `localstack-${LOCALSTACK_VERSION}-${digest}`,
    packages: [`localstack-core[runtime]==${LOCALSTACK_VERSION}`, 'jsonata-python'],
    constraints: CONSTRAINTS,
    title: 'LocalStack',
  })
}

async function startLocalStackCore(python: string, place: Place): Promise<Child> {
  return startWaiting(
    {
      command: [python, join(import.meta.dirname, 'localstack_process.py')],
      environment: {
        GATEWAY_LISTEN: `${LOOPBACK}:${place.port}`,
        FILESYSTEM_ROOT: place.directory,
        // Parent folder of its plug-in cache; by default in the user's home.
        XDG_CACHE_HOME: place.directory,
        // No telemetry, no downloads, no name server.
        DISABLE_EVENTS: '1',
        SKIP_SSL_CERT_DOWNLOAD: '1',
        DNS_ADDRESS: '0',
        LS_LOG: 'warning',
      },
      readyPath: '/_localstack/health',
    },
    place,
  )
}

/** The root account is the one that the tests sign with (test/integration/adapters/emulator.ts): versitygw checks signatures. */
async function startVersityGateway(program: string, place: Place): Promise<Child> {
  const [objects, metadata] = [join(place.directory, 'objects'), join(place.directory, 'metadata')]
  await Promise.all([mkdir(objects), mkdir(metadata)])
  return startWaiting(
    {
      command: [
        ...[program, '--port', `${LOOPBACK}:${place.port}`, '--region', 'eu-west-1', '--quiet'],
        // Stores metadata in files, because not every file system has extended attributes.
        ...['posix', '--sidecar', metadata, objects],
      ],
      environment: { ROOT_ACCESS_KEY: '000011112222', ROOT_SECRET_KEY: 'test' },
    },
    place,
  )
}

/** @throws Error with the last lines of the log when the emulator ends or does not answer in time */
async function startWaiting(
  {
    command,
    environment = {},
    readyPath = '/',
  }: Pick<ChildOptions, 'command'> & {
    readonly environment?: NodeJS.ProcessEnv
    readonly readyPath?: string
  },
  { port, directory, logFile, environment: given }: Place,
): Promise<Child> {
  return startAnswering(
    { command, environment: { ...process.env, ...environment, ...given }, directory, logFile },
    { url: `http://${LOOPBACK}:${port}${readyPath}`, timeoutMs: START_TIMEOUT_MS },
  )
}
