import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { CommandError } from './terminal/command-error.ts'
import { EXIT } from './terminal/exit-codes.ts'
import { fileWords } from './terminal/file-words.ts'
import { SIGNALS } from './terminal/interrupt.ts'

/** A folder that exists as long as a part of a command. */
export interface TemporaryFolder {
  readonly path: string
  remove(): Promise<void>
}

/** Work for the moment at which a signal ends the program. */
const endings = new Set<() => void>()

/** @param prefix path to which six random characters are added */
export async function createTemporaryFolder(
  prefix = join(tmpdir(), 'cytomine-task-'),
): Promise<TemporaryFolder> {
  const path = await makeTemporary(prefix)
  const keep = removeOnSignal(path)
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true })
      keep()
    },
  }
}

/**
 * Creates a folder with six random characters after the prefix.
 * @throws CommandError that names TMPDIR, when the folder for temporary files cannot be used
 */
export async function makeTemporary(prefix: string): Promise<string> {
  try {
    return await mkdtemp(prefix)
  } catch (error) {
    if (dirname(prefix) !== tmpdir()) throw error
    throw new CommandError(
      `no temporary folder can be created in ${tmpdir()}: ${fileWords(error as Error) ?? String(error)}; set TMPDIR to a folder that you can write to`,
      EXIT.failed,
      { cause: error },
    )
  }
}

/** Calls `work` with a temporary folder, which is removed afterwards. */
export async function withTemporaryFolder<Result>(
  work: (folder: string) => Promise<Result>,
  prefix?: string,
): Promise<Result> {
  const { path, remove } = await createTemporaryFolder(prefix)
  try {
    return await work(path)
  } finally {
    await remove()
  }
}

/**
 * Removes a folder when a signal ends the program.
 * @returns a function that keeps the folder from now on
 */
export function removeOnSignal(path: string): () => void {
  return atSignal(() => removeQuietly(path))
}

/**
 * Calls a function when a signal ends the program, because `finally` blocks are not executed then.
 * @returns a function that cancels this
 */
export function atSignal(work: () => void): () => void {
  if (endings.size === 0) {
    for (const signal of SIGNALS) {
      process.off(signal, end)
      // First, so that the listeners of commands that end in their own way are still there.
      process.prependListener(signal, end)
    }
  }
  endings.add(work)
  return () => endings.delete(work)
}

/** Ends the program as a signal does: commands that catch signals end in their own way. */
export function endProgram(exitCode: number): void {
  const own = process.listeners('SIGTERM').filter((listener) => listener === end).length
  if (process.listenerCount('SIGTERM') > own) process.emit('SIGTERM', 'SIGTERM')
  else {
    for (const work of endings) work()
    process.exit(exitCode)
  }
}

function end(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return
  for (const work of endings) work()
  process.off(signal, end)
  process.kill(process.pid, signal)
}

/** Removes what can be removed: files of a container may belong to other users. The exit code must not depend on that. */
export function removeQuietly(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch {
    // The operating system clears temporary files.
  }
}
