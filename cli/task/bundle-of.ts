import { join } from 'node:path'
import { findImageEntry } from '../../src/import/open-bundle.ts'
import type { TaskDescriptor } from '../../src/task/task.ts'
import { CommandError } from '../terminal/command-error.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { checkDescriptor } from '../validate/check-descriptor.ts'
import type { Finding } from '../validate/finding.ts'
import { buildTask, packTask } from './build-task.ts'
import { findBuiltBundle } from './built.ts'
import { hasDockerfile, type OpenTask, openTask } from './open-task.ts'

/**
 * Reads the descriptor of a task.
 * @throws CommandError with all its problems
 */
export function requireDescriptor(task: OpenTask): TaskDescriptor {
  return checkedDescriptor(task).descriptor
}

function checkedDescriptor(task: OpenTask): {
  readonly descriptor: TaskDescriptor
  readonly findings: readonly Finding[]
} {
  if (task.descriptor === undefined) {
    throw new CommandError(
      `${task.path} is an image without a descriptor; name a bundle or the folder of a task`,
    )
  }
  const { descriptor, findings } = checkDescriptor(task.descriptor)
  if (descriptor === undefined) {
    throw new CommandError(findings.map(({ severity, message }) => `${severity}  ${message}`).join('\n'))
  }
  return { descriptor, findings }
}

/** Reads the descriptor of a task and prints its warnings. @throws CommandError with all its problems */
export function requireNotedDescriptor(terminal: Terminal, task: OpenTask): TaskDescriptor {
  const { descriptor, findings } = checkedDescriptor(task)
  noteWarnings(terminal, findings)
  return descriptor
}

export function noteWarnings(terminal: Terminal, findings: readonly Finding[]): void {
  for (const { severity, part, message } of findings) {
    if (severity === 'warning') terminal.note(`warning  ${part}: ${message}`)
  }
}

export interface BundleOptions {
  readonly engine?: string | undefined
  /** Whether to build the image; otherwise the bundle of the last build is used. */
  readonly build?: boolean | undefined
}

/**
 * Path of a task's bundle. A folder with a Dockerfile is built; a folder with an image archive is packed.
 * @throws CommandError, DomainError
 */
export async function bundleOf(
  terminal: Terminal,
  task: OpenTask,
  { engine, build = true }: BundleOptions,
): Promise<string> {
  if (task.kind === 'bundle') return task.path
  const descriptor = requireDescriptor(task)
  if (hasDockerfile(task.path)) {
    if (!build) return lastBuildOf(terminal, task, descriptor)
    return (await buildTask(task, descriptor, { engine, note: terminal.note })).file
  }
  const image = findImageEntry(task.archive, descriptor)
  return packTask(task, join(task.path, image.name), descriptor)
}

/** @throws CommandError when there is no build, or it is of another version */
async function lastBuildOf(
  terminal: Terminal,
  { path, descriptor: bytes }: OpenTask,
  { namespace, version }: TaskDescriptor,
): Promise<string> {
  const file = await findBuiltBundle(path)
  if (file === undefined) throw new CommandError(`${path} has not been built yet; omit --no-build`)
  const built = await openTask(file)
  const last = requireDescriptor(built)
  if (last.namespace !== namespace || last.version !== version) {
    throw new CommandError(
      `the last build of ${path} is ${last.namespace} ${last.version}, but its descriptor has ${namespace} ${version}; omit --no-build to build it again`,
    )
  }
  if (bytes !== undefined && built.descriptor?.equals(bytes) === false) {
    terminal.note('the descriptor has changed since the last build; omit --no-build to build it again')
  }
  return file
}
