import type { Command } from 'commander'
import * as z from 'zod'
import { isRunId, parseTaskReference } from '../service/names.ts'
import { type ServiceFlags, withService } from '../service/options.ts'
import { openService, removeAt } from '../service/service.ts'
import { usageError } from '../terminal/command-error.ts'
import { confirm } from '../terminal/confirm.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { Perform } from './perform.ts'

interface Flags extends ServiceFlags {
  readonly yes?: boolean
}

/** Field that tasks and runs have. */
const namedSchema = z.object({ id: z.string() })

export function addDelete(program: Command, perform: Perform): void {
  const command = program
    .command('delete')
    .description('deletes a task with its runs, or one run')
    .argument('<task or run>', 'NAMESPACE/VERSION of a task, or the id of a run')
    .option('-y, --yes', 'do not ask for confirmation')
  withService(command).action((what: string, flags: Flags) =>
    perform(async (terminal) => {
      const { path, question } = targetOf(what)
      const service = await openService(flags)
      // The service answers 204 to the deletion of an unknown run, so a mistyped id is found here.
      await service.json(path, namedSchema)
      if (!(await confirm(question, flags.yes === true))) {
        terminal.note('Nothing was deleted.')
        return EXIT.failed
      }
      await removeAt(service, path)
      terminal.json({ deleted: what })
      terminal.print(`${what} is deleted`)
      return EXIT.success
    }),
  )
}

function targetOf(what: string): { readonly path: string; readonly question: string } {
  if (isRunId(what)) return { path: `task-runs/${what}`, question: `Delete the run ${what} with its files?` }
  const task = parseTaskReference(what)
  if (task !== undefined) {
    const question = `Delete the task ${what} with all its runs and their files?`
    return { path: `tasks/${task.namespace}/${task.version}`, question }
  }
  throw usageError(`"${what}" is neither a task (NAMESPACE/VERSION) nor the id of a run`)
}
