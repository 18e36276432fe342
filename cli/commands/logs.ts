import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { writeLog } from '../../src/shared/shown-text.ts'
import { createLogReader } from '../service/follow-log.ts'
import { requireRunId } from '../service/names.ts'
import { type ServiceFlags, withService } from '../service/options.ts'
import { isFinal, runSchema } from '../service/schemas.ts'
import { openService } from '../service/service.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { Terminal } from '../terminal/terminal.ts'
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
    .option(
      '-f, --follow',
      'print new lines until the run has ended; with --json: {"log": "…"} for each piece',
    )
  withService(command).action((run: string, flags: Flags) =>
    perform(async (terminal) => {
      const service = await openService(flags)
      const id = requireRunId(run)
      const log = createLogReader(service, id)
      const output = outputFor(terminal, flags)
      for (;;) {
        const { state } = await service.json(`task-runs/${id}`, runSchema)
        const isEnded = isFinal(state)
        if (isEnded) for await (const text of log.rest()) output.write(text)
        else output.write(await log.next())
        if (isEnded || flags.follow !== true) {
          output.end()
          return EXIT.success
        }
        await wait(POLL_MS)
      }
    }),
  )
}

interface LogOutput {
  write(text: string): void
  end(): void
}

/** Prints a log: as text, with `--json` as one object at its end, with `--json --follow` as an object for each piece. */
function outputFor(terminal: Terminal, { follow }: Flags): LogOutput {
  if (!terminal.isJson) return { write: (text) => writeLog(terminal.stdout, text), end: () => {} }
  if (follow === true) {
    return {
      write: (log) => {
        if (log !== '') terminal.jsonLine({ log })
      },
      end: () => {},
    }
  }
  let log = ''
  return {
    write: (text) => {
      log += text
    },
    end: () => terminal.json({ log }),
  }
}
