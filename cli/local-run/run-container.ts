import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { LogStream } from '../../local/batch/log-stream.ts'
import { callEngine } from '../../local/container-engine.ts'
import { detectEngine } from '../../local/detect-engine.ts'
import {
  createContainerEngine,
  describeEngine,
  type EngineSettings,
} from '../../local/engine/container-engine.ts'
import type { ContainerEngine } from '../../local/engine/container-run.ts'
import { UserError } from '../../local/user-error.ts'
import { CONTAINERS } from '../../src/run/job/job-definition.ts'
import type { TaskDescriptor } from '../../src/task/task.ts'
import { CACHE_FOLDER } from '../cache-folder.ts'
import { CommandError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { TaskEnd } from './container-end.ts'
import type { LoadableImage } from './loadable-image.ts'

/** Container engine of this machine. */
export interface LocalEngine {
  /** Description of the engine, in words. */
  readonly title: string
  run(container: LocalContainer): Promise<TaskEnd>
  /** Removes remains of containers. */
  close(): Promise<void>
}

/** A container of a task. */
export interface LocalContainer {
  readonly image: LoadableImage
  readonly descriptor: TaskDescriptor
  /** Working folder of the run, which holds the input and output folders. */
  readonly folder: string
  readonly inputs: string
  readonly outputs: string
  /** Receives the container's output as it is written. */
  readonly onLog: (chunk: Buffer) => void
  readonly signal: AbortSignal
}

const MIB = 1024 ** 2
/** Maximum length of the log's end in the reason of a failure, in bytes. */
const LOG_TAIL_BYTES = 4096

/**
 * Finds an engine that works on this machine: docker, podman, or the embedded one.
 * @param wanted the only engine to try
 * @throws CommandError when there is none
 */
export async function openEngine(wanted: string | undefined): Promise<LocalEngine> {
  const { settings } = await detectEngine({
    instance: `task-${process.pid}`,
    wanted: wanted ?? process.env.ENGINE,
  }).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error
    const words = `${error.message} Install podman (on Debian and Ubuntu: apt install podman), or Python 3.10 or newer with venv for the embedded engine.`
    throw new CommandError(words, EXIT.unavailable, { cause: error })
  })
  const pendingRemovals: Promise<unknown>[] = []
  const engine = createContainerEngine(settings, {
    instance: `task-${process.pid}`,
    stateDirectory: join(CACHE_FOLDER, 'engine'),
    afterwards: (work) => void pendingRemovals.push(work),
  })
  return {
    title: describeEngine(settings),
    async run(container) {
      await loadImage(settings, engine, container.image)
      return runTask(engine, container)
    },
    close: async () => void (await Promise.allSettled(pendingRemovals)),
  }
}

/** Docker and podman keep loaded images. */
async function loadImage(
  settings: EngineSettings,
  engine: ContainerEngine,
  image: LoadableImage,
): Promise<void> {
  if (settings.kind !== 'embedded') {
    const isThere = await callEngine(settings, 'image', 'inspect', '--format={{.Id}}', image.tag).then(
      () => true,
      () => false,
    )
    if (isThere) return
  }
  await image.withArchive((archive) => engine.images.load(archive))
}

async function runTask(engine: ContainerEngine, container: LocalContainer): Promise<TaskEnd> {
  const { descriptor, image, folder, inputs, outputs, signal, onLog } = container
  const memoryMib = Number((BigInt(descriptor.resources.ramBytes) + BigInt(MIB - 1)) / BigInt(MIB))
  let tail = Buffer.alloc(0)
  const logs: LogStream = {
    name: 'task',
    async append(source) {
      for await (const chunk of source) {
        tail = Buffer.concat([tail, chunk]).subarray(-LOG_TAIL_BYTES)
        onLog(chunk)
      }
    },
    close: async () => {},
  }
  const end = await engine.run({
    task: {
      container: {
        name: CONTAINERS.task,
        image: image.tag,
        command: [],
        // A container without variables is a task's: it gets no network and no variable of this machine.
        environment: [],
        essential: true,
        dependsOn: [],
        mountPoints: [
          { sourceVolume: 'inputs', containerPath: descriptor.inputFolder, readOnly: false },
          { sourceVolume: 'outputs', containerPath: descriptor.outputFolder, readOnly: false },
        ],
        resourceRequirements: [
          { type: 'VCPU', value: String(Math.min(descriptor.resources.cpus, availableParallelism())) },
          { type: 'MEMORY', value: String(memoryMib) },
        ],
      },
      jobId: 'local',
      attempt: 1,
      instance: `task-${process.pid}`,
      root: folder,
      directories: { inputs, outputs },
    },
    logs,
    signal,
    onStarted: () => {},
  })
  return { end, memoryMib, logTail: tail.toString('utf8') }
}
