import type { Command } from 'commander'
import { createProgress } from '../progress.ts'
import { type ServiceFlags, withService } from '../service/options.ts'
import { openService, removeAt, type Service, ServiceRefusal } from '../service/service.ts'
import { bundleOf, requireDescriptor } from '../task/bundle-of.ts'
import { type OpenTask, openTask } from '../task/open-task.ts'
import { CommandError } from '../terminal/command-error.ts'
import { confirm } from '../terminal/confirm.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { uploadBundle } from '../upload-bundle.ts'
import { createUploadClient } from '../upload-client.ts'
import { checkDescriptor } from '../validate/check-descriptor.ts'
import { report } from '../validate/report.ts'
import { validateTask } from '../validate/validate-task.ts'
import type { Perform } from './perform.ts'

interface Flags extends ServiceFlags {
  readonly engine?: string
  readonly build: boolean
  readonly check: boolean
  readonly replace?: boolean
  readonly yes?: boolean
}

export function addUpload(program: Command, perform: Perform): void {
  const command = program
    .command('upload')
    .description('installs a task in a service; goes on where an earlier call broke off')
    .argument('[task]', 'bundle (.zip), or folder of a task, which is built first', '.')
    .option('--engine <program>', 'docker, podman or buildah, to build a folder')
    .option('--no-build', 'take the bundle of the last build')
    .option('--no-check', 'leave the checks to the service')
    .option('--replace', 'delete this version with its runs first, when it is there')
    .option('-y, --yes', 'do not ask')
  withService(command).action((path: string, flags: Flags) =>
    perform((terminal) => uploadTask(terminal, path, flags)),
  )
}

async function uploadTask(terminal: Terminal, path: string, flags: Flags): Promise<number> {
  const service = await openService(flags)
  const task = await openTask(path)
  await requireRoomFor(service, task, flags)
  const file = await bundleOf(terminal, task, flags)
  if (flags.check) {
    terminal.note(`checking ${file}`)
    const validation = await validateTask(await openTask(file))
    if (validation.findings.some(({ severity }) => severity === 'problem')) {
      report(terminal, validation)
      terminal.note('Nothing was sent; --no-check leaves the checks to the service.')
      return EXIT.failed
    }
  }
  const { namespace, version } = requireDescriptor(terminal, await openTask(file))
  if (!(await makeRoom(service, `${namespace}/${version}`, flags))) {
    terminal.note('Nothing was deleted or uploaded.')
    return EXIT.failed
  }
  const progress = createProgress(terminal.isJson ? terminal.stderr : terminal.stdout)
  const client = createUploadClient(service.url, { callApi: service.fetch })
  const installed = await uploadBundle({ bundle: file, url: service.url, progress, client })
  terminal.json({ task: installed })
  terminal.print(`installed ${installed}`)
  return EXIT.success
}

/**
 * Deletes the version that is there, when that is wanted.
 * @returns false when the user says no
 * @throws CommandError when it is there and may not be replaced
 */
async function makeRoom(service: Service, name: string, flags: Flags): Promise<boolean> {
  if (!(await isThere(service, name, flags))) return true
  const question = `Delete ${name} with all its runs and their files first?`
  if (!(await confirm(question, flags.yes === true))) return false
  await removeAt(service, `tasks/${name}`)
  return true
}

/** Says before anything is built that the service does not answer, or has the version. */
async function requireRoomFor(service: Service, { kind, descriptor }: OpenTask, flags: Flags): Promise<void> {
  if (kind !== 'folder' || descriptor === undefined || !flags.build) return
  const read = checkDescriptor(descriptor).descriptor
  if (read !== undefined) await isThere(service, `${read.namespace}/${read.version}`, flags)
}

/** @throws CommandError when it is there and may not be replaced */
async function isThere(service: Service, name: string, { replace }: Flags): Promise<boolean> {
  try {
    await service.call(`tasks/${name}`)
  } catch (error) {
    if (error instanceof ServiceRefusal && error.status === 404) return false
    throw error
  }
  if (replace !== true) {
    throw new CommandError(
      `the service has ${name} already, and a version never changes; raise "version" in descriptor.yml, or give --replace`,
    )
  }
  return true
}
