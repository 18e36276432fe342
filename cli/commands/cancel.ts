import type { Command } from 'commander'
import { requireRunId } from '../service/names.ts'
import { type ServiceFlags, withService } from '../service/options.ts'
import { openService } from '../service/service.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { Perform } from './perform.ts'

export function addCancel(program: Command, perform: Perform): void {
  const command = program.command('cancel').description('ends a run').argument('<run>', 'id of the run')
  withService(command).action((run: string, flags: ServiceFlags) =>
    perform(async (terminal) => {
      const service = await openService(flags)
      const id = requireRunId(run)
      await service.call(`task-runs/${id}/state-actions`, { method: 'POST', body: { desired: 'CANCELLED' } })
      terminal.json({ id, cancelled: true })
      terminal.print(`run ${id} is cancelled`)
      return EXIT.success
    }),
  )
}
