import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PROBE, withProbeArchive } from '../engine/probe-image.ts'
import { probeTask } from '../engine/probe-task.ts'
import { findPython } from '../python-packages.ts'
import { runProgram } from '../run-program.ts'
import { runContainer } from './embedded-engine.ts'
import { createImageStore } from './image-store.ts'
import { type EmbeddedSettings, launcherCommand } from './launcher.ts'

/** Gives a launcher its own control group, where systemd manages the user's. */
const SCOPE = ['systemd-run', '--user', '--scope', '--quiet', '--collect', '-p', 'Delegate=yes', '--']
const POLLING = 'polling'
const PROBE_BYTES = 1024 ** 3

/**
 * Checks whether containers can run without an engine, by running one, and how their limits can be enforced.
 * @throws Error with the obstacle
 */
export async function detectEmbedded(
  signal: AbortSignal = new AbortController().signal,
): Promise<EmbeddedSettings> {
  const python = await findExecutable(signal)
  const plain = await tryCommand(launcherCommand(python), signal)
  if (plain.limits !== POLLING) return plain
  const scoped = await tryCommand(launcherCommand(python, SCOPE), signal).catch(() => plain)
  return scoped.limits === POLLING ? plain : scoped
}

/** Path of Python itself: version managers install slow scripts in its place. */
async function findExecutable(signal: AbortSignal): Promise<string> {
  const python = await findPython('The embedded container engine', undefined, { signal })
  const { stdout } = await runProgram([python, '-c', 'import sys; print(sys.executable)'], { signal })
  return stdout.trim()
}

async function tryCommand(command: readonly string[], signal: AbortSignal): Promise<EmbeddedSettings> {
  signal.throwIfAborted()
  const folder = await mkdtemp(join(tmpdir(), 'app-engine-'))
  try {
    const images = createImageStore(command, join(folder, 'images'), PROBE_BYTES)
    await withProbeArchive((archive) => images.load(archive))
    const { folder: root, config } = await images.acquire(PROBE.image)
    const output: Buffer[] = []
    const removals: Promise<unknown>[] = []
    const place = {
      command,
      scratchDirectory: folder,
      afterwards: (work: Promise<unknown>) => void removals.push(work),
    }
    const { end, limits } = await runContainer(
      place,
      { folder: root, config, release: () => {} },
      {
        task: probeTask({ instance: `probe-${process.pid}`, jobId: 'probe', root: folder }),
        logs: collector(output),
        signal,
        onStarted: () => {},
      },
    )
    await Promise.all(removals)
    signal.throwIfAborted()
    const answer = Buffer.concat(output).toString().trim()
    if (end.exitCode !== 0 || answer !== PROBE.answer || limits === undefined) {
      throw new Error(
        end.reason?.replace(/^\w+: /u, '') ?? `a container ended with ${end.exitCode}: ${answer}`,
      )
    }
    return { kind: 'embedded', command: [...command], limits }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function collector(output: Buffer[]): NonNullable<Parameters<typeof runContainer>[2]['logs']> {
  return {
    name: 'probe',
    async append(source) {
      for await (const chunk of source) output.push(chunk)
    },
    close: async () => {},
  }
}
