import { type Command, Option } from 'commander'
import { runLocally } from '../run/run-locally.ts'
import { runRemotely } from '../run/run-remotely.ts'
import { parseTaskReference } from '../service/names.ts'
import { authOption } from '../service/options.ts'
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
    .description('runs a task on this machine as the service would, or in the service given by --remote')
    .argument(
      '[task]',
      'folder of a task, which is built first, or bundle (.zip). With --remote, NAMESPACE/VERSION of an installed task is possible too.',
      '.',
    )
    .addOption(inputOption('value of an input, or its file: image=@slide.tif; repeatable'))
    .option('-o, --output <folder>', 'folder for the output files', 'outputs')
    .addOption(
      new Option(
        '--engine <engine>',
        'program that runs the container; default: the first that works',
      ).choices(['docker', 'podman', 'embedded']),
    )
    .option('--no-build', 'use the bundle of the last build')
    .option('--remote <url>', 'run a task that is installed in the service with this base URL')
    .addOption(authOption())
    .action((task: string, flags: Flags) =>
      perform((terminal) => {
        const isName = parseTaskReference(task) !== undefined
        const url = flags.remote ?? (isName ? process.env.CYTOMINE_TASK_URL : undefined)
        if (url !== undefined && url !== '') {
          refuseLocalFlags(flags)
          return runRemotely(terminal, { task, url }, flags)
        }
        if (/^[\w.-]+\.[\w-]+\/\d+\.\d+\.\d+/u.test(task)) {
          throw usageError(
            `${task} names an installed task: give the URL of the service with --remote, or in CYTOMINE_TASK_URL`,
          )
        }
        return runLocally(terminal, task, flags)
      }),
    )
}

/** @throws CommandError for options that have no effect on a run in a service */
function refuseLocalFlags({ engine, build }: Flags): void {
  const given = [...(engine === undefined ? [] : ['--engine']), ...(build ? [] : ['--no-build'])]
  if (given.length === 0) return
  throw usageError(
    `${given.join(' and ')} applies to a run on this machine only, not to one in a service; omit it`,
  )
}
