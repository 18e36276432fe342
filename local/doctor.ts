/*
 * Prints the information that a report about local mode needs: versions, engine, ports, disk, processes, last errors.
 *
 *   npm run doctor
 */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { arch, release, type as systemType, totalmem } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { PROJECT } from './aws-environment.ts'
import { detectEngine } from './detect-engine.ts'
import { emulatorFolder, MINISTACK_VERSION } from './emulator.ts'
import { describeEngine } from './engine/container-engine.ts'
import { readInstancePorts } from './instance-ports.ts'
import { folderSizeBytes } from './instance-state.ts'
import { instanceOf, LOG_DIRECTORY, readPort, stateDirectoryOf } from './port-stack.ts'
import { isPortTaken } from './ports.ts'
import { PART_NAMES } from './stack.ts'
import { exitWithError } from './user-error.ts'

const GIGABYTE = 1_000_000_000
const MAX_ERRORS = 5
const MAX_LINE = 300

try {
  const port = readPort()
  const lines: readonly (readonly [name: string, value: string | Promise<string>])[] = [
    ['project', projectVersion()],
    ['system', `${systemType()} ${release()} ${arch()}, ${(totalmem() / GIGABYTE).toFixed(0)} GB memory`],
    ['node', `${process.version} (programs of the project: ${await versionOf('node_modules/.bin/node')})`],
    ['npm', versionOf('npm')],
    ['python3', versionOf('python3')],
    ['emulator', emulatorState()],
    ['container engine', engineState(port)],
    ['endpoint', process.env.AWS_ENDPOINT_URL || 'emulator of its own'],
    [`port ${port}`, (await isPortTaken(port)) ? 'in use' : 'free'],
    ...PART_NAMES.map((part) => [part, partState(port, part)] as const),
    ['disk', diskState()],
    ['kept state', keptState(port)],
  ]
  for (const [name, value] of lines) console.log(`${name.padEnd(18)}${await value}`)
  for (const part of PART_NAMES) printErrors(part)
} catch (error) {
  exitWithError(error)
}

function projectVersion(): string {
  const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { version: string }
  return version
}

async function versionOf(program: string): Promise<string> {
  const path = program.includes('/') ? join(PROJECT, program) : program
  return promisify(execFile)(path, ['--version']).then(
    ({ stdout }) => stdout.trim(),
    () => 'missing',
  )
}

function emulatorState(): string {
  const folder = join(PROJECT, '.local/venv', emulatorFolder())
  return `MiniStack ${MINISTACK_VERSION}, ${existsSync(folder) ? 'installed' : 'installed at the first start'}`
}

async function engineState(port: number): Promise<string> {
  return detectEngine({ instance: instanceOf(port) }).then(
    ({ settings, reason }) => `${describeEngine(settings)} (${reason})`,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
}

function partState(port: number, part: string): string {
  const file = join(PROJECT, '.local', instanceOf(port), `${part}.pid`)
  if (!existsSync(file)) return 'never started'
  const pid = Number(readFileSync(file, 'utf8'))
  if (!isAlive(pid)) return 'stopped'
  const ports: Readonly<Record<string, number>> = {
    edge: port,
    ...readInstancePorts(join(stateDirectoryOf(port), 'ports.json')),
  }
  return `runs as process ${pid}, port ${ports[part]}`
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function diskState(): Promise<string> {
  const { bavail, bsize } = await statfs(PROJECT)
  const local = await folderSizeBytes(join(PROJECT, '.local'))
  return `${((bavail * bsize) / GIGABYTE).toFixed(1)} GB free, ${(local / GIGABYTE).toFixed(2)} GB in .local`
}

async function keptState(port: number): Promise<string> {
  const state = stateDirectoryOf(port)
  return `${((await folderSizeBytes(state)) / GIGABYTE).toFixed(2)} GB in ${relative(PROJECT, state)}`
}

/** Prints the last lines of a part's log that report an error. */
function printErrors(part: string): void {
  const name = existsSync(LOG_DIRECTORY) && readdirSync(LOG_DIRECTORY).find((file) => file === `${part}.log`)
  if (!name) return
  const lines = readFileSync(join(LOG_DIRECTORY, name), 'utf8').split('\n')
  const faults = lines.filter((line) => /error|exception|traceback|fatal/iu.test(line)).slice(-MAX_ERRORS)
  if (faults.length === 0) return
  console.log(`\nlast errors of ${part} (.local/log/${name})`)
  for (const line of faults) console.log(`  ${line.slice(0, MAX_LINE)}`)
}
