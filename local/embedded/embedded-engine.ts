import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import * as z from 'zod'
import {
  type ContainerTask,
  containerName,
  environmentOf,
  isTaskContainer,
  MOST_PROCESSES,
} from '../batch/container-arguments.ts'
import { amountOf } from '../batch/definition-rules.ts'
import { follow } from '../batch/run-container.ts'
import type { ContainerEngine, RunEnd, RunOptions } from '../engine/container-engine.ts'
import { variablesOf, wordsOf } from './image-config.ts'
import { createImageStore, type UnpackedImage } from './image-store.ts'
import { type EmbeddedSettings, findLaunchers, removeContainers, startLauncher } from './launcher.ts'

const MIB = 1024 * 1024
/** A launcher that has not ended its container this long after it was told is killed, and its container with it. */
const KILL_TIMEOUT_MS = 5000
const HOST_NAME_CHARACTERS = 12
const LONGEST_NAME = 200

const reportSchema = z.object({
  started: z.boolean().optional(),
  limits: z.string().optional(),
  exitCode: z.number().optional(),
  outOfMemory: z.boolean().optional(),
  error: z.string().optional(),
})
type Report = z.infer<typeof reportSchema>

/** Runs containers with the kernel alone: namespaces, an overlay, control groups where they are to be had. */
export function createEmbeddedEngine(
  { command }: EmbeddedSettings,
  options: { readonly instance: string; readonly imageDirectory: string; readonly imageBytes: number },
): ContainerEngine {
  const images = createImageStore(command, options.imageDirectory, options.imageBytes)
  const prefix = `app-engine-${options.instance}-`
  return {
    kind: 'embedded',
    images,
    async run(run) {
      const image = await images.acquire(run.task.container.image)
      try {
        return (await runContainer(command, image, run)).end
      } finally {
        image.release()
      }
    },
    listContainers: async () => (await findLaunchers(prefix)).map(({ name }) => name),
    async removeLeftovers() {
      await removeContainers(command, prefix)
      await images.removeUnfinished()
    },
  }
}

/** Runs one container. @returns its end, and how its limits were enforced, where it started */
export async function runContainer(
  command: readonly string[],
  image: UnpackedImage,
  { task, logs, signal, onStarted }: RunOptions,
): Promise<{ readonly end: RunEnd; readonly limits?: string | undefined }> {
  const scratch = join(task.root, `scratch-${safeName(task.container.name)}`)
  await mkdir(scratch, { recursive: true, mode: 0o700 })
  const words = wordsOf(image.config, task.container.command)
  if (words.length === 0)
    return { end: cannotStart('no command or entrypoint provided, and no CMD or ENTRYPOINT from image') }
  const name = safeName(containerName(task))
  const child = startLauncher(command, 'run', name)
  child.stdin?.end(JSON.stringify(ordersFor(task, image, { scratch, words })))
  let impatience: NodeJS.Timeout | undefined
  const stop = (): void => {
    child.kill('SIGTERM')
    impatience = setTimeout(() => child.kill('SIGKILL'), KILL_TIMEOUT_MS)
  }
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    const reports = readReports(child.stdio[3] as Readable, onStarted)
    const { exitCode, errorTail } = await follow(child, logs, () => {})
    const report = await reports
    const end = signal.aborted ? { exitCode } : conclude(report, exitCode, errorTail)
    return { end, limits: report.limits }
  } finally {
    clearTimeout(impatience)
    signal.removeEventListener('abort', stop)
  }
}

/** All that was reported, put together. */
async function readReports(source: Readable, onStarted: () => void): Promise<Report> {
  let all: Report = {}
  for await (const line of createInterface({ input: source })) {
    const report = reportSchema.parse(JSON.parse(line))
    if (report.started) onStarted()
    all = { ...all, ...report }
  }
  return all
}

function conclude(report: Report, exitCode: number, errorTail: string): RunEnd {
  if (report.exitCode === undefined) {
    const lastLine = errorTail.trim().split('\n').at(-1)
    return cannotStart(report.error ?? (lastLine || `the launcher ended with ${exitCode}`))
  }
  return report.outOfMemory === true && report.exitCode !== 0
    ? { exitCode: report.exitCode, reason: 'OutOfMemoryError: Container killed due to memory usage' }
    : { exitCode: report.exitCode }
}

function cannotStart(problem: string): RunEnd {
  return { reason: `CannotStartContainerError: ${problem}`.slice(0, 255) }
}

/** Orders of `run` (launcher/container.py). */
function ordersFor(
  task: ContainerTask,
  { folder, config }: UnpackedImage,
  { scratch, words }: { readonly scratch: string; readonly words: readonly string[] },
): object {
  const { container, directories, jobId } = task
  const memoryMib = amountOf(container, 'MEMORY')
  const machineCpus = availableParallelism()
  return {
    image: folder,
    scratch,
    words,
    environment: { ...variablesOf(config), ...environmentOf(task) },
    user: config.config?.User ?? '',
    workingDirectory: config.config?.WorkingDir ?? '',
    hostName: jobId.slice(0, HOST_NAME_CHARACTERS),
    // The stager's container must reach services that listen on this machine's loopback.
    hasNetwork: !isTaskContainer(container),
    volumes: container.mountPoints.map(({ sourceVolume, containerPath, readOnly }) => ({
      source: directories[sourceVolume],
      target: containerPath,
      readOnly,
    })),
    limits: {
      processes: MOST_PROCESSES,
      cpus: Math.min(amountOf(container, 'VCPU') ?? machineCpus, machineCpus),
      memoryBytes: memoryMib === undefined ? null : memoryMib * MIB,
    },
  }
}

/** A name that may be a folder's. */
function safeName(name: string): string {
  return name.replaceAll(/[^\w.-]/gu, '_').slice(0, LONGEST_NAME)
}
