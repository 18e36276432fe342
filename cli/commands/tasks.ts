import type { Command } from 'commander'
import { type ServiceFlags, withService } from '../service/options.ts'
import { taskListSchema } from '../service/schemas.ts'
import { openService } from '../service/service.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { Perform } from './perform.ts'

export function addTasks(program: Command, perform: Perform): void {
  const command = program.command('tasks').description('lists the tasks of a service')
  withService(command).action((flags: ServiceFlags) =>
    perform(async (terminal) => {
      const service = await openService(flags)
      const tasks = await service.json('tasks', taskListSchema)
      terminal.json(tasks)
      terminal.table([
        ['TASK', 'NAME'],
        ...tasks.map(({ namespace, version, name }) => [`${namespace}/${version}`, name]),
      ])
      return EXIT.success
    }),
  )
}
