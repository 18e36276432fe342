import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'
import { type FolderFileContent, writeFolderZip } from '../../src/archive/folder-zip/write-folder-zip.ts'
import { imageName } from '../../src/import/image-name.ts'
import { findDescriptor } from '../../src/import/open-bundle.ts'
import type { TaskDescriptor } from '../../src/task/task.ts'
import { CommandError } from '../terminal/command-error.ts'
import { openFolder } from './folder-archive.ts'
import { findBuilder, type ImageBuilder } from './image-builder.ts'
import { hasDockerfile, type OpenTask } from './open-task.ts'
import { type BundleFile, hasSameFiles, isSameTask } from './same-bundle.ts'
import { excludeFromImage, openWorkFolder, replaceBundle } from './work-folder.ts'

interface BuildOptions {
  /** docker, podman or buildah; the first that works when absent. */
  readonly engine?: string | undefined
  readonly note: (line: string) => void
}

/** A bundle that was built. */
export interface BuiltBundle {
  readonly file: string
  readonly program: ImageBuilder['program']
}

/**
 * Builds the image of a folder and packs the bundle: descriptor, image archive and logo. Entries are stored, not deflated, so that an
 * import can read the layers concurrently. Replaces the bundle of an earlier build, unless it is the same task: an interrupted upload
 * of it can be resumed then.
 * @throws CommandError
 */
export async function buildTask(
  { path }: OpenTask,
  descriptor: TaskDescriptor,
  { engine, note }: BuildOptions,
): Promise<BuiltBundle> {
  if (!hasDockerfile(path)) {
    throw new CommandError(
      `${path} has no Dockerfile, so there is nothing to build; "cytomine-task init" creates a folder with one`,
    )
  }
  const builder = await findBuilder(engine)
  const folder = await openWorkFolder(path)
  await excludeFromImage(path, note)
  const { namespace, version } = descriptor
  const { repository, tag } = imageName('localhost/cytomine-task', namespace, version)
  note(`building ${namespace} ${version} with ${builder.program}`)
  await builder.build(path, `${repository}:${tag}`)
  const file = join(folder, `${namespace}-${version}.zip`)
  await replaceBundle(folder, file, async (work) => {
    const image = join(work, 'image.tar')
    await builder.save(`${repository}:${tag}`, image)
    const bundle = join(work, 'bundle.zip')
    await packBundle(path, image, descriptor, bundle)
    return (await isSameTask(file, bundle)) ? undefined : bundle
  })
  return { file, program: builder.program }
}

/**
 * Packs the bundle of a folder with an image archive. An earlier bundle of the same files is kept, so that an interrupted upload of it
 * can be resumed.
 * @param image path of the image archive
 * @returns path of the bundle
 */
export async function packTask(
  { path }: OpenTask,
  image: string,
  descriptor: TaskDescriptor,
): Promise<string> {
  const folder = await openWorkFolder(path)
  const file = join(folder, `${descriptor.namespace}-${descriptor.version}.zip`)
  if (await hasSameFiles(file, await filesOf(path, image, descriptor))) return file
  await replaceBundle(folder, file, async (work) => {
    const bundle = join(work, 'bundle.zip')
    await packBundle(path, image, descriptor, bundle)
    return bundle
  })
  return file
}

/** Fields of a descriptor that give the name of the image archive. */
type Named = Pick<TaskDescriptor, 'namespace' | 'version' | 'imageFile'>

/**
 * Packs the bundle of a folder.
 * @param image path of the image archive
 */
export async function packBundle(
  folder: string,
  image: string,
  descriptor: Named,
  target: string,
): Promise<void> {
  const zip = writeFolderZip(await filesOf(folder, image, descriptor), ({ path }) => contentOf(path))
  await pipeline(Readable.from(zip, { objectMode: false }), createWriteStream(target))
}

/** Files of a bundle, by the names under which the service looks for them. In the folder their names may differ in case. */
async function filesOf(
  folder: string,
  image: string,
  { namespace, version, imageFile }: Named,
): Promise<readonly BundleFile[]> {
  const archive = await openFolder(folder)
  const logo = archive.entries.find(({ name }) => name.toLowerCase() === 'logo.png')
  const imageEntry = imageFile?.replace(/^[./]+/u, '') || `${namespace}-${version}.tar`
  const places = new Map([
    ['descriptor.yml', findDescriptor(archive)],
    ['logo.png', logo],
  ])
  const files = [...places].flatMap(([name, entry]) =>
    entry === undefined ? [] : [{ name, path: join(folder, entry.name), sizeBytes: entry.sizeBytes }],
  )
  return [...files, { name: imageEntry, path: image, sizeBytes: (await stat(image)).size }]
}

/** Reads the file twice, because a zip entry has its checksum before its content. */
async function contentOf(path: string): Promise<FolderFileContent> {
  let checksum = 0
  for await (const chunk of createReadStream(path)) checksum = crc32(chunk as Buffer, checksum)
  return { crc32: checksum, bytes: createReadStream(path) }
}
