import { mkdir, readdir, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findImageEntry } from '../../src/import/open-bundle.ts'
import type { RunFailure } from '../../src/run/run.ts'
import { createFollow } from '../../stager/symbolic-links.ts'
import { parseInputs } from '../inputs/parse-inputs.ts'
import { closeRun } from '../local-run/close-run.ts'
import { collect } from '../local-run/collect.ts'
import { explainEnd } from '../local-run/container-end.ts'
import { loadableImage } from '../local-run/loadable-image.ts'
import { createLocalRun, type LocalRun, provision, stage } from '../local-run/local-run.ts'
import { createLogWriter } from '../local-run/log-writer.ts'
import { openEngine } from '../local-run/run-container.ts'
import { type CopiedOutputs, copyOutputs } from '../outputs/copy-outputs.ts'
import { keepingOutputs, OutputsKeptError } from '../outputs/keeping-outputs.ts'
import { requireOutputFolder } from '../outputs/output-folder.ts'
import { removeEarlier } from '../outputs/remove-earlier.ts'
import { noteIgnored, showOutputs } from '../outputs/show-outputs.ts'
import { bundleOf, requireNotedDescriptor } from '../task/bundle-of.ts'
import { openTask } from '../task/open-task.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { catchInterrupt } from '../terminal/interrupt.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { sourceOf } from '../validate/image-source.ts'
import { openSoundImage } from './open-sound-image.ts'
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
  const descriptor = requireNotedDescriptor(terminal, task)
  const local = await createLocalRun(descriptor, tmpdir())
  const stopping = catchInterrupt()
  let isKept = false
  try {
    // Before the build, so that invalid inputs are reported early.
    await provision(local, parseInputs(flags.input, descriptor.inputs))
    const folders = await stage(local)
    await requireOutputFolder(flags.output)
    const bundle = await openTask(
      await bundleOf(terminal, task, { ...flags, engine: builderFor(flags.engine) }),
    )
    const source = await sourceOf(bundle.archive, findImageEntry(bundle.archive, descriptor))
    try {
      // Before the search for an engine, which takes seconds.
      const image = loadableImage(await openSoundImage(source.bytes, descriptor, stopping.signal))
      const engine = await openEngine(flags.engine, stopping.signal)
      try {
        terminal.note(`running ${descriptor.namespace} ${descriptor.version} in ${engine.title}`)
        const end = await engine.run({
          image,
          descriptor,
          folder: local.folder,
          ...folders,
          openLog: () => createLogWriter(terminal.stderr),
          signal: stopping.signal,
        })
        if (stopping.signal.aborted) return EXIT.interrupted
        const failure = await explainEnd(end)
        const written = { folder: folders.outputs, target: flags.output, signal: stopping.signal }
        return await showEnd(terminal, local, { ...written, failure })
      } finally {
        await engine.close()
      }
    } finally {
      await source.close()
    }
  } catch (error) {
    isKept = error instanceof OutputsKeptError
    if (isKept) local.keep()
    if (isKept || !stopping.signal.aborted) throw error
    return EXIT.interrupted
  } finally {
    stopping.release()
    if (!isKept) await closeRun(terminal, local)
  }
}

/** Program for building the image; undefined for the embedded engine, which cannot build images: any available one. */
function builderFor(engine: string | undefined): string | undefined {
  return engine === 'embedded' ? undefined : engine
}

/** The output folder of a container, and where its files go. */
interface Written {
  readonly folder: string
  readonly target: string
  /** Ends the copying. */
  readonly signal: AbortSignal
  /** Why the container failed. */
  readonly failure: RunFailure | undefined
}

/** @throws CommandError when the run has failed, {@link OutputsKeptError} when its outputs cannot be saved */
async function showEnd(terminal: Terminal, local: LocalRun, written: Written): Promise<number> {
  const { target, signal } = written
  const { collected, names } = await keepingOutputs(written, async () => {
    const end = written.failure === undefined ? await collect(local, written.folder) : undefined
    signal.throwIfAborted()
    const failed = written.failure ?? end?.run.failure
    return { collected: end, names: await copyWritten(local, { ...written, failure: failed }) }
  })
  const failure = written.failure ?? collected?.run.failure
  if (failure !== undefined) {
    noteIgnored(terminal, names.undeclared)
    throw runFailure(terminal, failure, hintOf(names.copied, target))
  }
  noteIgnored(terminal, collected?.run.ignoredFiles ?? [])
  const files = names.copied.map((name) => join(target, name))
  showOutputs(terminal, { outputs: collected?.outputs ?? [], folder: target, files })
  return EXIT.success
}

/**
 * Copies the declared outputs, also if the task failed or its outputs were refused, so that the author can look at them. Other files of a
 * failed run, such as outputs under wrong names, are copied into a folder that has no files.
 */
async function copyWritten(
  local: LocalRun,
  { folder, target, signal, failure }: Written,
): Promise<CopiedOutputs> {
  const outputs = local.task.outputs.map(({ name }) => name)
  await mkdir(target, { recursive: true })
  await removeEarlier(target, outputs)
  const root = await realpath(folder)
  const follow = createFollow(root, local.task.outputFolder)
  const isForAll = failure !== undefined && (await readdir(target)).length === 0
  return copyOutputs({ folder: root, follow, outputs: isForAll ? undefined : outputs, signal }, target)
}

function hintOf(names: readonly string[], target: string): string {
  return names.length === 0 ? '' : `\nThe files that it wrote are in ${target}.`
}
