import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'
import { type FolderFileContent, writeFolderZip } from '../../src/archive/folder-zip/write-folder-zip.ts'
import { imageName } from '../../src/import/image-name.ts'
import type { TaskDescriptor } from '../../src/task/task.ts'
import { CommandError } from '../terminal/command-error.ts'
import { findBuilder, type ImageBuilder } from './image-builder.ts'
import { hasDockerfile, type OpenTask, WORK_FOLDER } from './open-task.ts'

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
 * Builds the image of a folder and packs the bundle: descriptor, image archive and logo, stored and not deflated, so that an import
 * can read its layers side by side. Replaces the bundle of an earlier build.
 * @throws CommandError
 */
export async function buildTask(
  { path }: OpenTask,
  descriptor: TaskDescriptor,
  { engine, note }: BuildOptions,
): Promise<BuiltBundle> {
  if (!hasDockerfile(path)) {
    throw new CommandError(
      `${path} has no Dockerfile, so there is nothing to build; "cytomine-task init" makes a folder with one`,
    )
  }
  const builder = await findBuilder(engine)
  const folder = join(path, WORK_FOLDER)
  // An earlier bundle would become part of the image by "COPY . .".
  if (!(await isIgnored(path))) await rm(folder, { recursive: true, force: true })
  const { namespace, version } = descriptor
  const { repository, tag } = imageName('localhost/cytomine-task', namespace, version)
  note(`building ${namespace} ${version} with ${builder.program}`)
  await builder.build(path, `${repository}:${tag}`)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, '.gitignore'), '*\n')
  const work = await mkdtemp(join(folder, 'build-'))
  try {
    const image = join(work, 'image.tar')
    await builder.save(`${repository}:${tag}`, image)
    const file = join(folder, `${namespace}-${version}.zip`)
    const bundle = join(work, 'bundle.zip')
    await packBundle(path, image, descriptor, bundle)
    // The same bundle stays: an upload of it that broke off can go on.
    if ((await digestOf(file)) !== (await digestOf(bundle))) {
      await removeBundles(folder)
      await rename(bundle, file)
    }
    return { file, program: builder.program }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** Whether the build leaves the work folder out. */
async function isIgnored(path: string): Promise<boolean> {
  const text = await readFile(join(path, '.dockerignore'), 'utf8').catch(() => '')
  return text.split('\n').some((line) => line.trim().replace(/\/$/u, '') === WORK_FOLDER)
}

/** Earlier bundles, and what is remembered of their uploads. */
async function removeBundles(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /\.zip(?:\.upload\.json)?$/u.test(name))
  for (const name of names) await rm(join(folder, name), { force: true })
}

/** @returns undefined when there is no such file */
async function digestOf(file: string): Promise<string | undefined> {
  if ((await stat(file).catch(() => undefined)) === undefined) return undefined
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

/**
 * Packs the bundle of a folder.
 * @param image path of the image archive
 */
export async function packBundle(
  folder: string,
  image: string,
  { namespace, version, imageFile }: TaskDescriptor,
  target: string,
): Promise<void> {
  const imageEntry = imageFile?.replace(/^[./]+/u, '') || `${namespace}-${version}.tar`
  const places = new Map([
    ['descriptor.yml', join(folder, 'descriptor.yml')],
    ['logo.png', join(folder, 'logo.png')],
    [imageEntry, image],
  ])
  const files = []
  for (const [name, path] of places) {
    const info = await stat(path).catch(() => undefined)
    if (info !== undefined) files.push({ name, path, sizeBytes: info.size })
  }
  const zip = writeFolderZip(files, ({ path }) => contentOf(path))
  await pipeline(Readable.from(zip, { objectMode: false }), createWriteStream(target))
}

/** The checksum stands before the bytes, so a file is read twice. */
async function contentOf(path: string): Promise<FolderFileContent> {
  let checksum = 0
  for await (const chunk of createReadStream(path)) checksum = crc32(chunk as Buffer, checksum)
  return { crc32: checksum, bytes: createReadStream(path) }
}
