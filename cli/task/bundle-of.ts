import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { findImageEntry } from '../../src/import/open-bundle.ts'
import type { TaskDescriptor } from '../../src/task/task.ts'
import { CommandError } from '../terminal/command-error.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { checkDescriptor } from '../validate/check-descriptor.ts'
import { buildTask, packBundle } from './build-task.ts'
import { findBuiltBundle } from './built.ts'
import { hasDockerfile, type OpenTask, WORK_FOLDER } from './open-task.ts'

/**
 * Reads the descriptor of a task; prints its warnings.
 * @throws CommandError with all its problems
 */
export function requireDescriptor(terminal: Terminal, task: OpenTask): TaskDescriptor {
  if (task.descriptor === undefined) {
    throw new CommandError(
      `${task.path} is an image without descriptor; name a bundle or the folder of a task`,
    )
  }
  const { descriptor, findings } = checkDescriptor(task.descriptor)
  if (descriptor === undefined) {
    throw new CommandError(findings.map(({ severity, message }) => `${severity}  ${message}`).join('\n'))
  }
  for (const { message } of findings) terminal.note(`warning  ${message}`)
  return descriptor
}

export interface BundleOptions {
  readonly engine?: string | undefined
  /** Whether to build the image; otherwise the bundle of the last build is used. */
  readonly build?: boolean | undefined
}

/**
 * Path of a task's bundle: the given bundle, one that is built from the folder, or one that is packed from a folder with an image
 * archive.
 * @throws CommandError, DomainError
 */
export async function bundleOf(
  terminal: Terminal,
  task: OpenTask,
  { engine, build = true }: BundleOptions,
): Promise<string> {
  if (task.kind === 'bundle') return task.path
  const descriptor = requireDescriptor(terminal, task)
  if (hasDockerfile(task.path)) {
    const built = build ? undefined : await findBuiltBundle(task.path)
    if (built !== undefined) return built
    return (await buildTask(task, descriptor, { engine, note: terminal.note })).file
  }
  const image = findImageEntry(task.archive, descriptor)
  const folder = join(task.path, WORK_FOLDER)
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${descriptor.namespace}-${descriptor.version}.zip`)
  await packBundle(task.path, join(task.path, image.name), descriptor, file)
  return file
}
