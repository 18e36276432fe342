import { type Command, Option } from 'commander'
import { runLocally } from '../run/run-locally.ts'
import { runRemotely } from '../run/run-remotely.ts'
import { parseTaskReference } from '../service/names.ts'
import { usageError } from '../terminal/command-error.ts'
import { inputOption } from './option-values.ts'
import type { Perform } from './perform.ts'

interface Flags {
  readonly input: readonly string[]
  readonly output: string
  readonly engine?: string
  readonly build: boolean
  readonly remote?: string
  readonly auth: string
}

export function addRun(program: Command, perform: Perform): void {
  program
    .command('run')
    .description('runs a task on this machine as the service would, or in a service with --remote')
    .argument(
      '[task]',
      'folder of a task, which is built first, or bundle (.zip); with --remote NAMESPACE/VERSION too',
      '.',
    )
    .addOption(inputOption('value of an input, or its file: image=@slide.tif; once for each'))
    .option('-o, --output <folder>', 'where the files of the outputs go', 'outputs')
    .addOption(
      new Option('--engine <engine>', 'what runs the container; the first that works when not given').choices(
        ['docker', 'podman', 'embedded'],
      ),
    )
    .option('--no-build', 'run the bundle of the last build')
    .option('--remote <url>', 'run a task that is installed in the service with this base URL')
    .option(
      '--auth <way>',
      'none, or iam: requests are signed with AWS credentials',
      process.env.API_AUTH || 'none',
    )
    .action((task: string, flags: Flags) =>
      perform((terminal) => {
        const isName = parseTaskReference(task) !== undefined
        const url = flags.remote ?? (isName ? process.env.CYTOMINE_TASK_URL : undefined)
        if (url !== undefined && url !== '') return runRemotely(terminal, { task, url }, flags)
        if (/^[\w.-]+\.[\w-]+\/\d+\.\d+\.\d+/u.test(task)) {
          throw usageError(
            `${task} is a task of a service: name the service with --remote URL, or in CYTOMINE_TASK_URL`,
          )
        }
        return runLocally(terminal, task, flags)
      }),
    )
}
