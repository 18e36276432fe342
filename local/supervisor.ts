import { writeFileSync } from 'node:fs'
import { type Child, type ChildOptions, startOurs } from './child.ts'

/** A program that is started anew whenever it dies. */
export interface Supervised {
  /** Of the process that runs now. */
  pid(): number
  stop(): Promise<void>
}

/** Deaths in a row, each soon after a start, after which a program is left dead. */
const MOST_QUICK_DEATHS = 5
const QUICK_DEATH_MS = 2000

/** Starts a program of this project, keeps it running, and keeps its pid in a file. */
export async function supervise(options: {
  readonly start: Omit<ChildOptions, 'isOurs'>
  readonly pidFile: string
  readonly warn: (text: string) => void
}): Promise<Supervised> {
  let isStopped = false
  let child = await startAndRecord()
  const watching = watch()

  async function startAndRecord(): Promise<Child> {
    const started = await startOurs(options.start)
    writeFileSync(options.pidFile, String(started.pid))
    return started
  }

  async function watch(): Promise<void> {
    let quickDeaths = 0
    while (quickDeaths < MOST_QUICK_DEATHS) {
      const startedAt = Date.now()
      await child.ended
      if (isStopped) return
      // Programs that it ran are still in its group.
      await child.stop()
      quickDeaths = Date.now() - startedAt < QUICK_DEATH_MS ? quickDeaths + 1 : 0
      options.warn(`${options.start.command.join(' ')} died and is started again`)
      try {
        child = await startAndRecord()
      } catch (error) {
        options.warn(String(error))
      }
    }
    options.warn(`${options.start.command.join(' ')} died ${MOST_QUICK_DEATHS} times in a row and stays dead`)
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
