import { mkdir, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { documentedTag, findImageEntry } from '../../src/import/open-bundle.ts'
import { createFollow } from '../../stager/links.ts'
import { parseInputs } from '../inputs/parse-inputs.ts'
import { collect } from '../local-run/collect.ts'
import { explainEnd } from '../local-run/container-end.ts'
import { loadableImage } from '../local-run/loadable-image.ts'
import { createLocalRun, type LocalRun, provision, stage } from '../local-run/local-run.ts'
import { openEngine } from '../local-run/run-container.ts'
import { copyOutputs } from '../outputs/copy-outputs.ts'
import { removeEarlier } from '../outputs/remove-earlier.ts'
import { noteIgnored, showOutputs } from '../outputs/show-outputs.ts'
import { bundleOf, requireDescriptor } from '../task/bundle-of.ts'
import { openTask } from '../task/open-task.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { writeLog } from '../terminal/shown-text.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { sourceOf } from '../validate/image-source.ts'
import { runFailure } from './run-failure.ts'

export interface LocalFlags {
  readonly input: readonly string[]
  readonly output: string
  readonly engine?: string
  readonly build: boolean
}

/** Runs a task on this machine without the service. @returns the exit code */
export async function runLocally(terminal: Terminal, path: string, flags: LocalFlags): Promise<number> {
  const task = await openTask(path)
  const descriptor = requireDescriptor(terminal, task)
  const local = await createLocalRun(descriptor, tmpdir())
  const stopping = stopOnInterrupt()
  try {
    // Before the build, so that invalid inputs are reported early.
    await provision(local, parseInputs(flags.input, descriptor.inputs))
    const folders = await stage(local)
    const bundle = await openTask(
      await bundleOf(terminal, task, { ...flags, engine: builderFor(flags.engine) }),
    )
    const source = await sourceOf(bundle.archive, findImageEntry(bundle.archive, descriptor))
    try {
      const image = await loadableImage(source.bytes, documentedTag(descriptor))
      const engine = await openEngine(flags.engine)
      try {
        terminal.note(`running ${descriptor.namespace} ${descriptor.version} in ${engine.title}`)
        const end = await engine.run({
          image,
          descriptor,
          folder: local.folder,
          ...folders,
          onLog: (chunk) => writeLog(terminal.stderr, chunk.toString()),
          signal: stopping.signal,
        })
        if (stopping.signal.aborted) return EXIT.interrupted
        const failure = await explainEnd(end)
        const written = { folder: folders.outputs, target: flags.output }
        if (failure !== undefined) {
          throw runFailure(terminal, failure, hintOf(await copyWritten(local, written), flags.output))
        }
        return await showEnd(terminal, local, written)
      } finally {
        await engine.close()
      }
    } finally {
      await source.close()
    }
  } finally {
    stopping.release()
    await local.close()
  }
}

/** The embedded engine runs images and builds none. */
function builderFor(engine: string | undefined): string | undefined {
  return engine === 'embedded' ? undefined : engine
}

/** The output folder of a container, and where its files go. */
interface Written {
  readonly folder: string
  readonly target: string
}

async function showEnd(terminal: Terminal, local: LocalRun, written: Written): Promise<number> {
  const { run, outputs } = await collect(local, written.folder)
  const { target } = written
  const names = await copyWritten(local, written)
  if (run.failure !== undefined) throw runFailure(terminal, run.failure, hintOf(names, target))
  noteIgnored(terminal, run.ignoredFiles ?? [])
  showOutputs(terminal, { outputs, folder: target, files: names.map((name) => join(target, name)) })
  return EXIT.success
}

/**
 * Copies what the container wrote. Its author wants to see it also when it is refused, or when the task failed.
 * @returns names at the top of the folder
 */
async function copyWritten(local: LocalRun, { folder, target }: Written): Promise<readonly string[]> {
  await mkdir(target, { recursive: true })
  await removeEarlier(
    target,
    local.task.outputs.map(({ name }) => name),
  )
  const root = await realpath(folder)
  const follow = createFollow(root, local.task.outputFolder)
  return copyOutputs({ folder: root, follow }, target)
}

function hintOf(names: readonly string[], target: string): string {
  return names.length === 0 ? '' : `\nWhat it left is in ${target}.`
}

function stopOnInterrupt() {
  const controller = new AbortController()
  const stop = (): void => controller.abort()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    },
  }
}
