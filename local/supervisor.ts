import { writeFileSync } from 'node:fs'
import type { Child } from './child.ts'

/** A program that is restarted when it ends. */
export interface Supervised {
  /** Process id of the running process. */
  pid(): number
  stop(): Promise<void>
}

export interface SuperviseOptions {
  /** Name in messages, such as `edge`. */
  readonly name: string
  /** Starts the program and waits until it answers. */
  readonly start: () => Promise<Child>
  /** File with the id of the current process. */
  readonly pidFile?: string
  readonly warn: (text: string) => void
  /** Called when the program has ended too often in a row and is no longer restarted. */
  readonly onDead: (reason: string) => void
}

/** Consecutive early exits after which the program is not restarted. */
const MAX_QUICK_DEATHS = 5
const QUICK_DEATH_MS = 2000

/**
 * Starts a program and restarts it when it ends.
 * @throws the error of the first start
 */
export async function supervise({
  name,
  start,
  pidFile,
  warn,
  onDead,
}: SuperviseOptions): Promise<Supervised> {
  let isStopped = false
  let child = await startAndRecord()
  const watching = watch()

  async function startAndRecord(): Promise<Child> {
    const started = await start()
    if (pidFile !== undefined) writeFileSync(pidFile, String(started.pid))
    return started
  }

  async function watch(): Promise<void> {
    let quickDeaths = 0
    let reason = ''
    while (quickDeaths < MAX_QUICK_DEATHS) {
      const startedAt = Date.now()
      await child.ended
      if (isStopped) return
      // Programs that it started are still in its group.
      await child.stop()
      quickDeaths = Date.now() - startedAt < QUICK_DEATH_MS ? quickDeaths + 1 : 0
      warn(`The ${name} exited unexpectedly; restarting it.`)
      try {
        child = await startAndRecord()
      } catch (error) {
        // `ended` of the previous process is resolved already, so the failed start counts as an early exit.
        reason = String(error)
      }
      // `stop` was called meanwhile, and stops the new process.
      if (isStopped) return
    }
    if (!isStopped) onDead(`The ${name} exited ${MAX_QUICK_DEATHS} times in a row. ${reason}`.trim())
  }

  return {
    pid: () => child.pid,
    async stop() {
      isStopped = true
      await child.stop()
      await watching
      // A restart may be in progress.
      await child.stop()
    },
  }
}
