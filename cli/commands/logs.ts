import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { writeLog } from '../../src/shared/shown-text.ts'
import { createLogReader } from '../service/follow-log.ts'
import { requireRunId } from '../service/names.ts'
import { type ServiceFlags, withService } from '../service/options.ts'
import { isFinal, runSchema } from '../service/schemas.ts'
import { openService } from '../service/service.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { Perform } from './perform.ts'

const POLL_MS = 1000

interface Flags extends ServiceFlags {
  readonly follow?: boolean
}

export function addLogs(program: Command, perform: Perform): void {
  const command = program
    .command('logs')
    .description("prints the log of a run's container")
    .argument('<run>', 'id of the run')
    .option('-f, --follow', 'print new lines until the run has ended')
  withService(command).action((run: string, flags: Flags) =>
    perform(async ({ stdout }) => {
      const service = await openService(flags)
      const id = requireRunId(run)
      const log = createLogReader(service, id)
      for (;;) {
        const { state } = await service.json(`task-runs/${id}`, runSchema)
        if (isFinal(state)) {
          for await (const text of log.rest()) writeLog(stdout, text)
          return EXIT.success
        }
        writeLog(stdout, await log.next())
        if (flags.follow !== true) return EXIT.success
        await wait(POLL_MS)
      }
    }),
  )
}
