import type { Command } from 'commander'
import { buildTask } from '../task/build-task.ts'
import { requireDescriptor } from '../task/bundle-of.ts'
import { openTask } from '../task/open-task.ts'
import { CommandError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { formatBytes } from '../upload-bundle.ts'
import { report } from '../validate/report.ts'
import { validateTask } from '../validate/validate-task.ts'
import type { Perform } from './perform.ts'

export function addBuild(program: Command, perform: Perform): void {
  program
    .command('build')
    .description('builds the image of a task for linux/amd64 and packs the bundle')
    .argument('[folder]', 'folder of the task', '.')
    .option('--engine <program>', 'docker, podman or buildah; the first that works when not given')
    .action((path: string, { engine }: { readonly engine?: string }) =>
      perform(async (terminal) => {
        const task = await openTask(path)
        if (task.kind !== 'folder')
          throw new CommandError(`${path} is built already; name the folder of the task`)
        const descriptor = requireDescriptor(terminal, task)
        const { file } = await buildTask(task, descriptor, { engine, note: terminal.note })
        const bundle = await openTask(file)
        const validation = await validateTask(bundle)
        const { layers = [] } = validation.image ?? {}
        terminal.table([
          ['LAYER', 'SIZE', 'UNPACKED'],
          ...layers.map(({ diffId, sizeBytes, unpackedBytes }) => [
            diffId.slice(0, 'sha256:'.length + 12),
            formatBytes(sizeBytes),
            formatBytes(unpackedBytes),
          ]),
        ])
        report(terminal, validation, { bundle: file })
        terminal.print(file)
        return validation.findings.some(({ severity }) => severity === 'problem') ? EXIT.failed : EXIT.success
      }),
    )
}
