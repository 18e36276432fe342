import type { Command } from 'commander'
import { formatBytes } from '../../src/contract/format.ts'
import { userLayerMemory } from '../image/layer-memory.ts'
import { buildTask } from '../task/build-task.ts'
import { requireDescriptor } from '../task/bundle-of.ts'
import { openTask } from '../task/open-task.ts'
import { CommandError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { report } from '../validate/report.ts'
import { validateTask } from '../validate/validate-task.ts'
import type { Perform } from './perform.ts'

export function addBuild(program: Command, perform: Perform): void {
  program
    .command('build')
    .description('builds the image of a task for linux/amd64 and packs the bundle')
    .argument('[folder]', 'folder of the task', '.')
    .option('--engine <program>', 'docker, podman or buildah; default: the first that works')
    .action((path: string, { engine }: { readonly engine?: string }) =>
      perform(async (terminal) => {
        const task = await openTask(path)
        if (task.kind !== 'folder')
          throw new CommandError(`${path} is not the folder of a task; name the folder to build`)
        const descriptor = requireDescriptor(task)
        const { file } = await buildTask(task, descriptor, { engine, note: terminal.note })
        const bundle = await openTask(file)
        const layers = userLayerMemory()
        const validation = await validateTask(bundle, { layers })
        const rows = validation.image?.layers ?? []
        terminal.table([
          ['LAYER', 'SIZE', 'UNPACKED'],
          ...rows.map(({ diffId, sizeBytes, unpackedBytes }) => [
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
