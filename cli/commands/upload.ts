import type { Command } from 'commander'
import { createProgress } from '../../src/shared/progress.ts'
import { userLayerMemory } from '../image/layer-memory.ts'
import { type ServiceFlags, withService } from '../service/options.ts'
import { taskSchema } from '../service/schemas.ts'
import { openService, removeAt, type Service, ServiceRefusal } from '../service/service.ts'
import { bundleOf, noteWarnings, requireDescriptor } from '../task/bundle-of.ts'
import { type OpenTask, openTask } from '../task/open-task.ts'
import { CommandError } from '../terminal/command-error.ts'
import { confirm } from '../terminal/confirm.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { uploadBundle } from '../upload-bundle.ts'
import { createUploadClient, UploadBrokenError } from '../upload-client.ts'
import { checkDescriptor } from '../validate/check-descriptor.ts'
import type { Finding } from '../validate/finding.ts'
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
    .description('installs a task in a service; resumes an interrupted upload')
    .argument('[task]', 'bundle (.zip), or folder of a task, which is built first', '.')
    .option(
      '--engine <program>',
      'program that builds a folder: docker, podman or buildah; default: the first that works',
    )
    .option('--no-build', 'use the bundle of the last build')
    .option('--no-check', 'upload without checking the bundle first')
    .option('--replace', 'if this version is installed, delete it with its runs first')
    .option('-y, --yes', 'do not ask for confirmation')
  withService(command).action((path: string, flags: Flags) =>
    perform((terminal) => uploadTask(terminal, path, flags)),
  )
}

async function uploadTask(terminal: Terminal, path: string, flags: Flags): Promise<number> {
  const service = await openService(flags)
  const task = await openTask(path)
  await requireRoomFor(service, task, flags)
  const file = await bundleOf(terminal, task, flags)
  const bundle = await openTask(file)
  const findings = flags.check
    ? await findingsOf(terminal, bundle)
    : checkDescriptor(bundle.descriptor ?? Buffer.alloc(0)).findings
  if (findings === undefined) return EXIT.failed
  const { namespace, version } = requireDescriptor(bundle)
  noteWarnings(terminal, findings)
  if (!(await makeRoom(service, `${namespace}/${version}`, flags))) {
    terminal.note('Nothing was deleted or uploaded.')
    return EXIT.failed
  }
  const progress = createProgress(terminal.isJson ? terminal.stderr : terminal.stdout)
  const client = createUploadClient(service.url, { callApi: service.fetch })
  const { task: installed, sentBytes } = await uploadBundle({
    bundle: file,
    url: service.url,
    progress,
    client,
    knownWarnings: new Set(findings.map(({ message }) => message)),
  }).catch((error: unknown) => {
    if (error instanceof UploadBrokenError) throw interrupted(error)
    throw error
  })
  terminal.json({ task: installed, sentBytes })
  terminal.print(`installed ${installed}`)
  return EXIT.success
}

/** Checks a bundle. @returns undefined when it has problems, which are printed */
async function findingsOf(terminal: Terminal, bundle: OpenTask): Promise<readonly Finding[] | undefined> {
  terminal.note(`checking ${bundle.path}`)
  const validation = await validateTask(bundle, { layers: userLayerMemory() })
  if (validation.findings.every(({ severity }) => severity !== 'problem')) return validation.findings
  report(terminal, validation)
  terminal.note('Nothing was uploaded. --no-check uploads the bundle anyway.')
  return undefined
}

function interrupted(cause: UploadBrokenError): CommandError {
  return new CommandError(
    `The upload was interrupted: ${cause.message}\nThe parts that have arrived are kept for a day. Run the command again to resume.`,
    EXIT.unavailable,
    { cause },
  )
}

/**
 * Deletes the version if it is installed, after a confirmation.
 * @returns false when the user declines
 * @throws CommandError when it is installed and `--replace` is not given
 */
async function makeRoom(service: Service, name: string, flags: Flags): Promise<boolean> {
  if (!(await isThere(service, name, flags))) return true
  const question = `Delete ${name} with all its runs and their files first?`
  if (!(await confirm(question, flags.yes === true))) return false
  await removeAt(service, `tasks/${name}`)
  return true
}

/** Reports before a build that the service does not answer, or has the version. */
async function requireRoomFor(service: Service, { kind, descriptor }: OpenTask, flags: Flags): Promise<void> {
  if (kind !== 'folder' || descriptor === undefined || !flags.build) return
  const read = checkDescriptor(descriptor).descriptor
  if (read !== undefined) await isThere(service, `${read.namespace}/${read.version}`, flags)
}

/** @throws CommandError when the version is installed and `--replace` is not given */
async function isThere(service: Service, name: string, { replace }: Flags): Promise<boolean> {
  try {
    await service.json(`tasks/${name}`, taskSchema)
  } catch (error) {
    if (error instanceof ServiceRefusal && error.status === 404) return false
    throw error
  }
  if (replace !== true) {
    throw new CommandError(
      `${name} is already installed, and a version never changes; raise "version" in descriptor.yml, or use --replace`,
    )
  }
  return true
}
