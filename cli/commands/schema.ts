import type { Command } from 'commander'
import taskSchema from '../../docs/task.schema.json' with { type: 'json' }
import { EXIT } from '../terminal/exit-codes.ts'
import type { Perform } from './perform.ts'

export function addSchema(program: Command, perform: Perform): void {
  program
    .command('schema')
    .description('prints the JSON schema of descriptor.yml, for editors')
    .action(() =>
      perform(async ({ stdout }) => {
        stdout.write(`${JSON.stringify(taskSchema, null, 2)}\n`)
        return EXIT.success
      }),
    )
}
