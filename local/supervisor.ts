import { writeFileSync } from 'node:fs'
import type { Child } from './child.ts'

/** A program that is started again whenever it dies. */
export interface Supervised {
  /** Process id of the running process. */
  pid(): number
  stop(): Promise<void>
}

export interface SuperviseOptions {
  /** For people: `edge`. */
  readonly name: string
  /** Starts the program and waits until it answers. */
  readonly start: () => Promise<Child>
  /** File that holds the pid of the process that runs now. */
  readonly pidFile?: string
  readonly warn: (text: string) => void
  /** The program died too often in a row and is not started any more. */
  readonly onDead: (reason: string) => void
}

/** Consecutive early exits after which the program is not restarted. */
const MOST_QUICK_DEATHS = 5
const QUICK_DEATH_MS = 2000

/**
 * Starts a program and keeps it running.
 * @throws what the first start throws.
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
    while (quickDeaths < MOST_QUICK_DEATHS) {
      const startedAt = Date.now()
      await child.ended
      if (isStopped) return
      // Programs that it ran are still in its group.
      await child.stop()
      quickDeaths = Date.now() - startedAt < QUICK_DEATH_MS ? quickDeaths + 1 : 0
      warn(`The ${name} exited unexpectedly; restarting it.`)
      try {
        child = await startAndRecord()
      } catch (error) {
        // Its `ended` is resolved already, so this counts as a quick death.
        reason = String(error)
      }
      // `stop` was called meanwhile, and stops the new process.
      if (isStopped) return
    }
    if (!isStopped) onDead(`The ${name} died ${MOST_QUICK_DEATHS} times in a row. ${reason}`.trim())
  }

  return {
    pid: () => child.pid,
    async stop() {
      isStopped = true
      await child.stop()
      await watching
      // A restart may have been under way.
      await child.stop()
    },
  }
}
