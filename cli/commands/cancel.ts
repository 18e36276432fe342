import type { Command } from 'commander'
import * as z from 'zod'
import { requireRunId } from '../service/names.ts'
import { type ServiceFlags, withService } from '../service/options.ts'
import { runSchema } from '../service/schemas.ts'
import { openService } from '../service/service.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { Perform } from './perform.ts'

/** Response to a state action. */
const changedSchema = z.object({ resource: runSchema })

export function addCancel(program: Command, perform: Perform): void {
  const command = program.command('cancel').description('cancels a run').argument('<run>', 'id of the run')
  withService(command).action((run: string, flags: ServiceFlags) =>
    perform(async (terminal) => {
      const service = await openService(flags)
      const id = requireRunId(run)
      await service.json(`task-runs/${id}/state-actions`, changedSchema, {
        method: 'POST',
        body: { desired: 'CANCELLED' },
      })
      terminal.json({ id, cancelled: true })
      terminal.print(`run ${id} is cancelled`)
      return EXIT.success
    }),
  )
}
