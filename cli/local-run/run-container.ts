import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type ContainerTask, containerName } from '../../local/batch/container-arguments.ts'
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
import { cacheFolder } from '../cache-folder.ts'
import { atSignal } from '../temporary-folder.ts'
import { CommandError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { TaskEnd } from './container-end.ts'
import type { LoadableImage } from './loadable-image.ts'
import type { LogWriter } from './log-writer.ts'
import { beginRemoval, INSTANCE, removeOrphans } from './own-containers.ts'

/** Container engine of this machine. */
export interface LocalEngine {
  /** Description of the engine for users. */
  readonly title: string
  run(container: LocalContainer): Promise<TaskEnd>
  /** Waits until removed containers are cleaned up. */
  close(): Promise<void>
}

/** A container of a task. */
export interface LocalContainer {
  readonly image: LoadableImage
  readonly descriptor: TaskDescriptor
  /** Working folder of the run, which contains the input and output folders. */
  readonly folder: string
  readonly inputs: string
  readonly outputs: string
  /** Called for standard output and for standard error, whose chunks may end within a character. */
  readonly openLog: () => LogWriter
  readonly signal: AbortSignal
}

const MIB = 1024 ** 2
/** Maximum length of the end of the log that a failure quotes, in bytes. */
const LOG_TAIL_BYTES = 4096

/**
 * Finds an engine that works on this machine: docker, podman, or the embedded one.
 * @param wanted the only engine to try
 * @param signal ends the search
 * @throws CommandError when there is none
 */
export async function openEngine(wanted: string | undefined, signal: AbortSignal): Promise<LocalEngine> {
  const { settings } = await detectEngine({
    instance: INSTANCE,
    wanted: wanted ?? process.env.ENGINE,
    signal,
  }).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error
    const reason =
      wanted === undefined ? error.message : error.message.replace(/^ENGINE is /u, '--engine is ')
    const words = `${reason} Install podman (on Debian and Ubuntu: apt install podman), or Python 3.10 or newer with venv for the embedded engine.`
    throw new CommandError(words, EXIT.unavailable, { cause: error })
  })
  const pendingRemovals: Promise<unknown>[] = []
  const engine = createContainerEngine(settings, {
    instance: INSTANCE,
    stateDirectory: join(cacheFolder(), 'engine'),
    afterwards: (work) => void pendingRemovals.push(work),
  })
  const program = settings.kind === 'embedded' ? undefined : settings
  // The next run tries again.
  if (program !== undefined) pendingRemovals.push(removeOrphans(program).catch(() => undefined))
  return {
    title: describeEngine(settings),
    async run(container) {
      await loadImage(settings, engine, container.image)
      const task = taskOf(container)
      const release =
        program === undefined ? () => {} : atSignal(() => beginRemoval(program, containerName(task)))
      try {
        return await runTask(engine, task, container)
      } finally {
        release()
      }
    },
    close: async () => void (await Promise.allSettled(pendingRemovals)),
  }
}

/** Loads the image, unless docker or podman still has it from an earlier run. */
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
  await image.withArchive((archive) =>
    engine.images.load(archive).catch((cause: Error) => {
      const words = `${settings.kind === 'embedded' ? 'the embedded engine' : settings.kind} cannot load the image: ${cause.message}`
      throw new CommandError(`${words}; "cytomine-task validate" checks it`, EXIT.failed, { cause })
    }),
  )
}

async function runTask(
  engine: ContainerEngine,
  task: ContainerTask,
  { descriptor, signal, openLog }: LocalContainer,
): Promise<TaskEnd> {
  let tail = Buffer.alloc(0)
  const logs: LogStream = {
    name: 'task',
    async append(source) {
      const log = openLog()
      for await (const chunk of source) {
        tail = Buffer.concat([tail, chunk]).subarray(-LOG_TAIL_BYTES)
        log.write(chunk)
      }
      log.end()
    },
    close: async () => {},
  }
  const end = await engine.run({ task, logs, signal, onStarted: () => {} })
  return { end, memoryMib: memoryMibOf(descriptor), logTail: tail.toString('utf8') }
}

function taskOf({ descriptor, image, folder, inputs, outputs }: LocalContainer): ContainerTask {
  return {
    container: {
      name: CONTAINERS.task,
      image: image.tag,
      command: [],
      // The engine recognises the task's container by its lack of variables, and gives it neither network nor variables of this machine.
      environment: [],
      essential: true,
      dependsOn: [],
      mountPoints: [
        { sourceVolume: 'inputs', containerPath: descriptor.inputFolder, readOnly: false },
        { sourceVolume: 'outputs', containerPath: descriptor.outputFolder, readOnly: false },
      ],
      resourceRequirements: [
        { type: 'VCPU', value: String(Math.min(descriptor.resources.cpus, availableParallelism())) },
        { type: 'MEMORY', value: String(memoryMibOf(descriptor)) },
      ],
    },
    jobId: 'local',
    attempt: 1,
    instance: INSTANCE,
    root: folder,
    directories: { inputs, outputs },
  }
}

function memoryMibOf({ resources }: TaskDescriptor): number {
  return Number((BigInt(resources.ramBytes) + BigInt(MIB - 1)) / BigInt(MIB))
}
