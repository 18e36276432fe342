import { spawn } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { callEngine, type EngineProgram, removeContainers } from '../../local/container-engine.ts'

/* Containers of local runs, which must not outlive the program that started them. */

/** Instances of the processes of this process's PID namespace begin with it; empty on systems without namespaces. */
const NAMESPACE = namespaceOfPids()

/** Instance that labels and names the containers of this process. */
export const INSTANCE = `task-${NAMESPACE}${process.pid}`

/** Starts the removal of a container. It goes on when this process ends. */
export function beginRemoval({ program, globalArguments }: EngineProgram, name: string): void {
  const words = [...globalArguments, 'rm', '--force', '--volumes', name]
  spawn(program, words, { detached: true, stdio: 'ignore' })
    // The engine may be missing by now, and no command is left that could report it.
    .on('error', () => undefined)
    .unref()
}

/** Removes containers of processes that were killed. A process number that is in use again protects the container. */
export async function removeOrphans(engine: EngineProgram): Promise<void> {
  if (NAMESPACE === '') return
  const prefix = `app-engine-task-${NAMESPACE}`
  const names = await callEngine(engine, 'ps', '--all', '--format={{.Names}}', `--filter=name=${prefix}`)
  const orphans = names.split('\n').filter((name) => {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN
    return Number.isSafeInteger(pid) && !isRunning(pid)
  })
  if (orphans.length > 0) await removeContainers(engine, orphans)
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it belongs to another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

function namespaceOfPids(): string {
  try {
    return `${readlinkSync('/proc/self/ns/pid').replace(/\D/gu, '')}-`
  } catch {
    return ''
  }
}
