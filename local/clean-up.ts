import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** Exit code of a program that SIGINT ended. */
const INTERRUPTED = 130

/** Registered clean-ups, oldest first. */
const pending = new Set<() => Promise<void>>()
let interruption: Promise<never> | undefined

/**
 * Runs `clear` once: when the result is disposed of, or when the process is interrupted. An interruption runs all clean-ups,
 * newest first, and ends the process with 130. A disposal then does not return, so that the program reports no errors about
 * removed resources. Further signals are ignored, because npm sends Ctrl-C a second time.
 */
export function cleanUp(clear: () => Promise<void>): AsyncDisposable {
  let clearing: Promise<void> | undefined
  const clearOnce = (): Promise<void> => {
    clearing ??= clear().finally(() => {
      pending.delete(clearOnce)
      if (pending.size === 0 && interruption === undefined) listen('off')
    })
    return clearing
  }
  if (pending.size === 0) listen('on')
  pending.add(clearOnce)
  return {
    async [Symbol.asyncDispose]() {
      await clearOnce()
      await interruption
    },
  }
}

/** Creates a folder for temporary files. It is removed at its disposal or when the process is interrupted. */
export async function temporaryFolder(prefix: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), prefix))
  return { path, ...cleanUp(() => rm(path, { recursive: true, force: true })) }
}

function listen(change: 'on' | 'off'): void {
  for (const signal of SIGNALS) process[change](signal, interrupt)
}

function interrupt(): void {
  interruption ??= clearAll()
}

async function clearAll(): Promise<never> {
  for (const clear of [...pending].reverse()) {
    await clear().catch((error: unknown) => console.error(error))
  }
  process.exit(INTERRUPTED)
}
