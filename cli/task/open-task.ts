import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readZipEntry, type ZipArchive } from '../../src/archive/zip/read-zip.ts'
import { ZipFormatError } from '../../src/archive/zip/zip-format-error.ts'
import { findDescriptor, MAX_DESCRIPTOR_BYTES, openBundle } from '../../src/import/open-bundle.ts'
import { CommandError, usageError } from '../terminal/command-error.ts'
import { fileSource } from './file-source.ts'
import { openFolder, openSingle } from './folder-archive.ts'

/** Subfolder of a task's folder for the files that this program creates. */
export const WORK_FOLDER = '.cytomine-task'

/** A task as its author has it. */
export interface OpenTask {
  /** `folder` has a descriptor, and perhaps an image archive or a Dockerfile; `image` is an image archive alone. */
  readonly kind: 'folder' | 'bundle' | 'image'
  /** Path that the user has given. */
  readonly path: string
  readonly archive: ZipArchive
  /** Undefined for an image archive. */
  readonly descriptor: Buffer | undefined
}

/**
 * Opens a folder, a bundle or an image archive.
 * @throws CommandError for anything else
 * @throws DomainError when a bundle has no descriptor, or cannot be read
 */
export async function openTask(path: string): Promise<OpenTask> {
  const info = statSync(path, { throwIfNoEntry: false })
  if (info === undefined) {
    throw usageError(
      `there is no file or folder ${path}; expected the folder of a task, a bundle (.zip) or an image archive (.tar)`,
    )
  }
  if (info.isDirectory()) return openTaskFolder(path)
  if (!info.isFile()) throw usageError(`${path} is neither a file nor a folder`)
  const source = await fileSource(path)
  if (/\.zip$/iu.test(path)) {
    const { zip, descriptor } = await openBundle({ source, etag: '' }).catch((error: unknown) => {
      if (error instanceof ZipFormatError) throw new CommandError(`${path}: ${error.message}`)
      throw error
    })
    return { kind: 'bundle', path, archive: zip, descriptor }
  }
  if (/\.ya?ml$/iu.test(path)) {
    throw usageError(`${path} is a descriptor; give its folder instead`)
  }
  return { kind: 'image', path, archive: openSingle('image.tar', source), descriptor: undefined }
}

async function openTaskFolder(path: string): Promise<OpenTask> {
  const archive = await openFolder(path)
  const entry = findDescriptor(archive)
  if (entry === undefined) {
    throw new CommandError(
      `${path} has no descriptor.yml: give the folder of a task, or create one with "cytomine-task init NAME"`,
    )
  }
  if (entry.sizeBytes > MAX_DESCRIPTOR_BYTES) {
    throw new CommandError(
      `${join(path, entry.name)} has ${entry.sizeBytes} bytes; a descriptor has at most 64 KiB`,
    )
  }
  return {
    kind: 'folder',
    path,
    archive,
    descriptor: await readZipEntry(archive, entry, MAX_DESCRIPTOR_BYTES),
  }
}

/** Whether the path is a folder. */
export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** Whether an image can be built from the folder. */
export function hasDockerfile(folder: string): boolean {
  return existsSync(join(folder, 'Dockerfile')) || existsSync(join(folder, 'Containerfile'))
}
