import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { callEngine, callEngineUntil, type EngineProgram } from '../container-engine.ts'

/** Images on this machine. */
export interface ImageCache {
  /**
   * Pulls the image, once.
   * @throws Error whose message starts like ECS's reason, `CannotPullContainerError: `
   */
  ensure(reference: string): Promise<void>
  /** Loads the image of a docker-archive by the name in the archive. */
  load(archive: string): Promise<void>
  /** Removes pulled images: the local registry does not keep them either. */
  removePulled(): Promise<void>
}

/** Maximum length of podman's reason, which names a digest and a path of the image. */
const MAX_REASON = 1000

/** Images of docker or podman, which others on this machine may remove. */
export interface EngineImages extends ImageCache {
  /** Pulls an image again that was removed since {@link ImageCache.ensure} found it; undefined if that was never asked for it. */
  restore(reference: string): Promise<void> | undefined
}

/** Creates an image cache. The list of pulled images is stored, so that the next server can remove them. */
export function createImageCache(engine: EngineProgram, listFile: string): EngineImages {
  const present = new Map<string, Promise<void>>()
  const restoring = new Map<string, Promise<void>>()
  const pulled = new Set<string>(existsSync(listFile) ? readFileSync(listFile, 'utf8').split('\n') : [])

  async function find(reference: string): Promise<void> {
    const isPresent = await callEngine(engine, 'image', 'inspect', '--format={{.Id}}', reference).then(
      () => true,
      () => false,
    )
    if (isPresent) return
    try {
      await callEngine(engine, 'pull', '--quiet', ...insecureRegistry(engine, reference), reference)
      pulled.add(reference)
      writeFileSync(listFile, [...pulled].join('\n'))
    } catch (error) {
      throw cannotPull(error)
    }
  }

  function search(reference: string): Promise<void> {
    const found = find(reference)
    present.set(reference, found)
    // The next job tries again.
    found.catch(() => present.delete(reference))
    return found
  }

  return {
    ensure: (reference) => present.get(reference) ?? search(reference),
    restore(reference) {
      if (!present.has(reference)) return undefined
      // Several jobs may miss the image at the same time.
      const restored =
        restoring.get(reference) ?? search(reference).finally(() => restoring.delete(reference))
      restoring.set(reference, restored)
      return restored
    },
    load: (archive) => loadArchive(engine, archive),
    async removePulled() {
      if (pulled.size === 0) return
      // Some may be removed already, or used by others.
      await callEngine(engine, 'rmi', ...pulled).catch(() => undefined)
      rmSync(listFile)
    },
  }
}

/**
 * Loads the image of a docker-archive.
 * @throws Error with the engine's reason
 */
export async function loadArchive(
  engine: EngineProgram,
  archive: string,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await callEngineUntil(signal, engine, ['load', '--input', archive])
  } catch (error) {
    signal?.throwIfAborted()
    const reason = archiveReason(error)
    throw reason === undefined ? error : new Error(reason, { cause: error })
  }
}

/** Podman tries all formats of archives, and prints one line for each: only that of the right format has the reason. */
function archiveReason(error: unknown): string | undefined {
  const { stderr = '' } = ((error as Error).cause ?? {}) as { readonly stderr?: string }
  const line = stderr.split('\n').find((one) => /^[\s*]*docker-archive:/u.test(one))
  return line?.replace(/^[\s*]*/u, '').slice(0, MAX_REASON)
}

/** A registry on this machine's loopback uses plain HTTP, which only docker allows by default. */
export function insecureRegistry(engine: EngineProgram, reference: string): string[] {
  const isLoopback = /^(?:127\.[0-9.]+|localhost|\[::1\])(?::[0-9]+)?\//u.test(reference)
  return engine.kind === 'podman' && isLoopback ? ['--tls-verify=false'] : []
}

/** Maximum length of the explanation in a reason, which has at most 255 characters. */
const MAX_EXPLANATION = 255 - 'CannotPullContainerError: '.length

/** Error for an image that cannot be pulled, with the reason of Batch. Engines print the cause last. */
export function cannotPull(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error)
  return new Error(`CannotPullContainerError: ${message.slice(-MAX_EXPLANATION)}`, { cause: error })
}
