import { mkdir, mkdtemp } from 'node:fs/promises'
import { availableParallelism, constants } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import {
  type ContainerTask,
  containerName,
  environmentOf,
  isTaskContainer,
  MAX_PROCESSES,
} from '../batch/container-arguments.ts'
import { amountOf } from '../batch/definition-rules.ts'
import { CANNOT_START, passOutput } from '../batch/run-container.ts'
import type { ContainerEngine, RunEnd, RunOptions } from '../engine/container-run.ts'
import { lowerPriority } from '../lower-priority.ts'
import { commandLineOf, variablesOf } from './image-config.ts'
import { createImageStore, type UnpackedImage } from './image-store.ts'
import {
  callLauncher,
  type EmbeddedSettings,
  findLaunchers,
  removeContainers,
  startLauncher,
} from './launcher.ts'

const MIB = 1024 * 1024
/** Time for a launcher to end its container, after which both are killed. */
const KILL_TIMEOUT_MS = 5000
const KILLED = 128 + constants.signals.SIGKILL
const HOST_NAME_CHARACTERS = 12
const MAX_NAME = 200

/** Folders and settings of an embedded engine. */
interface Workplace {
  readonly command: readonly string[]
  /** Folder of the containers' writable layers. Each launcher removes its own layer. */
  readonly scratchDirectory: string
  /** Takes work that may continue after a container's end. */
  readonly afterwards: (work: Promise<unknown>) => void
}

/** Runs containers with the kernel alone: namespaces, an overlay file system, and control groups if available. */
export function createEmbeddedEngine(
  { command }: EmbeddedSettings,
  options: {
    readonly instance: string
    readonly stateDirectory: string
    readonly imageBytes: number
    readonly afterwards: (work: Promise<unknown>) => void
  },
): ContainerEngine {
  const { instance, stateDirectory, imageBytes, afterwards } = options
  const images = createImageStore(command, join(stateDirectory, 'images'), imageBytes)
  const place = { command, afterwards, scratchDirectory: join(stateDirectory, 'scratch') }
  const prefix = `app-engine-${instance}-`
  return {
    kind: 'embedded',
    images,
    async run(run) {
      const image = await images.acquire(run.task.container.image)
      try {
        return (await runContainer(place, image, run)).end
      } finally {
        image.release()
      }
    },
    listContainers: async () => [...new Set((await findLaunchers(prefix)).map(({ name }) => name))],
    async removeStaleContainers() {
      await removeContainers(command, prefix)
      await callLauncher(command, 'remove', place.scratchDirectory)
      await images.removeUnfinished()
    },
  }
}

/**
 * Runs one container.
 * @returns its result, and how its limits were enforced if it started
 */
export async function runContainer(
  { command, scratchDirectory, afterwards }: Workplace,
  image: UnpackedImage,
  { task, logs, signal, onStarted }: RunOptions,
): Promise<{ readonly end: RunEnd; readonly limits?: string | undefined }> {
  const words = commandLineOf(image.config, task.container.command)
  if (words.length === 0) {
    return { end: cannotStart('no command or entrypoint provided, and no CMD or ENTRYPOINT from image') }
  }
  await mkdir(scratchDirectory, { recursive: true, mode: 0o700 })
  const scratch = await mkdtemp(join(scratchDirectory, 'container-'))
  const child = startLauncher(command, 'run', safeName(containerName(task)))
  lowerPriority(child)
  // EPIPE: the launcher ended early. Its report or its error output has the reason.
  child.stdin?.on('error', () => {})
  child.stdin?.end(ordersFor(task, image, { scratch, words }))
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? KILLED))
  })
  let impatience: NodeJS.Timeout | undefined
  const stop = (): void => {
    child.kill('SIGTERM')
    impatience = setTimeout(() => child.kill('SIGKILL'), KILL_TIMEOUT_MS)
  }
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    const reports = readReports(child.stdio[3] as Readable, onStarted)
    const told = Promise.all([reports, passOutput(child, logs)])
    // A launcher that cannot be started reports nothing.
    const [report, errorTail] = await Promise.race([told, ended.then(() => told)])
    if (signal.aborted) return { end: { exitCode: Number(report.get('exitCode') ?? KILLED) } }
    const code = report.size > 0 ? 0 : await ended
    return { end: conclude(report, code, errorTail), limits: report.get('started') }
  } finally {
    afterwards(ended.catch(() => undefined).finally(() => clearTimeout(impatience)))
    signal.removeEventListener('abort', stop)
  }
}

/** The launcher's report (launcher/container.py), by name. */
type Report = ReadonlyMap<string, string>

async function readReports(source: Readable, onStarted: () => void): Promise<Report> {
  let text = ''
  for await (const chunk of source) {
    const hadStarted = text.startsWith('started=')
    text += String(chunk)
    if (!hadStarted && text.startsWith('started=')) onStarted()
  }
  const fields = text.split('\0').slice(0, -1)
  return new Map(fields.map((field) => split(field, '=')))
}

/** Text before and after the first separator. */
function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return [text.slice(0, at), text.slice(at + 1)]
}

function conclude(report: Report, launcherCode: number, errorTail: string): RunEnd {
  const exitCode = Number(report.get('exitCode') ?? Number.NaN)
  if (Number.isNaN(exitCode)) {
    const lastLine = errorTail.trim().split('\n').at(-1)
    return cannotStart(report.get('error') ?? (lastLine || `the launcher ended with ${launcherCode}`))
  }
  return report.has('outOfMemory') && exitCode !== 0
    ? { exitCode, reason: 'OutOfMemoryError: Container killed due to memory usage' }
    : { exitCode }
}

function cannotStart(problem: string): RunEnd {
  return { reason: `${CANNOT_START}${problem}`.slice(0, 255) }
}

/** Arguments of `run` (launcher/orders.py); none of the fields can contain a NUL. */
function ordersFor(
  task: ContainerTask,
  { folder, config }: UnpackedImage,
  { scratch, words }: { readonly scratch: string; readonly words: readonly string[] },
): string {
  const { container, directories, jobId } = task
  const memoryMib = amountOf(container, 'MEMORY')
  const machineCpus = availableParallelism()
  const variables = Object.entries({ ...variablesOf(config), ...environmentOf(task) })
  const fields: readonly (readonly [name: string, value: string | number])[] = [
    ['image', folder],
    ['scratch', scratch],
    ['user', config.config?.User ?? ''],
    ['workingDirectory', config.config?.WorkingDir ?? ''],
    ['hostName', jobId.slice(0, HOST_NAME_CHARACTERS)],
    // A task's container has no network. Other containers reach this machine's loopback.
    ...(isTaskContainer(container) ? [] : [['hasNetwork', ''] as const]),
    ['processes', MAX_PROCESSES],
    ['cpus', Math.min(amountOf(container, 'VCPU') ?? machineCpus, machineCpus)],
    ...(memoryMib === undefined ? [] : [['memoryBytes', memoryMib * MIB] as const]),
    ...words.map((word) => ['word', word] as const),
    ...variables.map(([name, value]) => ['variable', `${name}=${value}`] as const),
    ...container.mountPoints.flatMap(({ sourceVolume, containerPath, readOnly }) => [
      ['volume', readOnly ? 'ro' : 'rw'] as const,
      ['source', directories[sourceVolume] ?? ''] as const,
      ['target', containerPath] as const,
    ]),
  ]
  return fields.map(([name, value]) => `${name}=${String(value).replaceAll('\0', '')}\0`).join('')
}

/** A name that is valid as a folder name. */
function safeName(name: string): string {
  return name.replaceAll(/[^\w.-]/gu, '_').slice(0, MAX_NAME)
}
