import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PROJECT } from '../local/aws-environment.ts'
import { cleanUp } from '../local/clean-up.ts'

/**
 * Starts a program of this project in a separate process, with `PATH` and the given variables, and waits until it is ready. The
 * process is killed on disposal, or when this process is interrupted.
 * @throws Error when the program ends before it is ready
 */
export async function startProgram(
  script: string,
  environment: NodeJS.ProcessEnv,
): Promise<ChildProcess & AsyncDisposable> {
  const child = fork(join(PROJECT, script), {
    env: { PATH: process.env.PATH, ...environment },
    silent: true,
    // In its own process group, so that only the clean-up below ends it on Ctrl-C.
    detached: true,
  })
  child.stderr?.pipe(process.stderr)
  child.stdout?.resume()
  const ended = once(child, 'exit')
  const end = cleanUp(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const outcome = await Promise.race([once(child, 'message'), ended.then(([code]) => `ended with ${code}`)])
  if (typeof outcome === 'string') throw new Error(`${script} ${outcome}`)
  return Object.assign(child, end)
}

/**
 * Memory of a process in MB. Linux only.
 * @param field `VmRSS`, the current resident memory, or `VmHWM`, its peak
 */
export async function memoryMb({ pid }: ChildProcess, field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return (Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'mu').exec(status)?.[1]) * 1024) / 1e6
}
