import type { Command } from 'commander'
import { showOutputs } from '../outputs/show-outputs.ts'
import { fetchArchive } from '../service/fetch-outputs.ts'
import { requireRunId } from '../service/names.ts'
import { type ServiceFlags, withService } from '../service/options.ts'
import { outputsSchema } from '../service/schemas.ts'
import { openService } from '../service/service.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { Perform } from './perform.ts'

interface Flags extends ServiceFlags {
  readonly output?: string
  readonly rejected?: boolean
}

export function addOutputs(program: Command, perform: Perform): void {
  const command = program
    .command('outputs')
    .description('prints the outputs of a run, or downloads their files')
    .argument('<run>', 'id of the run')
    .option('-o, --output <folder>', 'download the files into this folder')
    .option('--rejected', 'download what a failed run wrote to its output folder')
  withService(command).action((run: string, flags: Flags) =>
    perform(async (terminal) => {
      const service = await openService(flags)
      const id = requireRunId(run)
      const { output: folder } = flags
      if (flags.rejected === true) {
        const files = await fetchArchive(
          service,
          `task-runs/${id}/rejected-outputs.zip`,
          folder ?? 'rejected-outputs',
        )
        terminal.json({ files })
        for (const file of files) terminal.print(file)
        return EXIT.success
      }
      const outputs = await service.json(`task-runs/${id}/outputs`, outputsSchema)
      const files =
        folder === undefined ? [] : await fetchArchive(service, `task-runs/${id}/outputs.zip`, folder)
      showOutputs(terminal, { outputs, folder, files })
      return EXIT.success
    }),
  )
}
