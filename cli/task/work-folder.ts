import { existsSync } from 'node:fs'
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, truncate } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { withTemporaryFolder } from '../temporary-folder.ts'
import { WORK_FOLDER } from './open-task.ts'

/** Name of the folder of one build: the id of its process, which earlier programs omitted, and random characters. */
const BUILD = /^build-(?:(?<process>\d+)-)?\w{6}$/u

/** Files in which docker, podman and buildah look for what to leave out. */
const IGNORE_FILES = [
  ...['Dockerfile', 'Containerfile'].flatMap((name) => [`${name}.dockerignore`, `${name}.containerignore`]),
  ...['.containerignore', '.dockerignore'],
]

/** Creates the subfolder for the files of this program, and removes what interrupted builds have left in it. */
export async function openWorkFolder(task: string): Promise<string> {
  const folder = join(task, WORK_FOLDER)
  await mkdir(folder, { recursive: true })
  const ignore = join(folder, '.gitignore')
  if (!existsSync(ignore)) await addText(ignore, '*\n')
  for (const name of await readdir(folder)) {
    const build = BUILD.exec(name)
    const id = build?.groups?.process
    const isLeft = build !== null && (id === undefined || !isRunning(Number(id)))
    if (isLeft) await rm(join(folder, name), { recursive: true, force: true })
  }
  return folder
}

function isRunning(id: number): boolean {
  try {
    process.kill(id, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * Leaves the work folder out of the image, so that a bundle does not become part of the next image by "COPY . .". A bundle cannot be
 * removed instead: an interrupted upload of it may be resumed.
 */
export async function excludeFromImage(task: string, note: (line: string) => void): Promise<void> {
  const present = IGNORE_FILES.filter((name) => existsSync(join(task, name)))
  // docker ignores the names of podman and buildah, which ignore .dockerignore beside their own.
  for (const name of new Set([...present, '.dockerignore'])) {
    const file = join(task, name)
    const text = await readFile(file, 'utf8').catch(() => '')
    if (text.split('\n').some((line) => line.trim().replace(/\/$/u, '') === WORK_FOLDER)) continue
    await addText(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${WORK_FOLDER}\n`)
    note(`added ${WORK_FOLDER} to ${file}, so that no bundle becomes part of the image`)
  }
}

/**
 * Creates a bundle in the work folder. It replaces earlier bundles and the state of their uploads only when it is complete.
 * @param create writes the bundle into a temporary folder; returns its path, or undefined if the earlier bundle is to be kept
 */
export async function replaceBundle(
  folder: string,
  file: string,
  create: (temporary: string) => Promise<string | undefined>,
): Promise<void> {
  await withTemporaryFolder(
    async (temporary) => {
      const bundle = await create(temporary)
      if (bundle === undefined) return
      await rename(bundle, file)
      const names = (await readdir(folder)).filter((name) => /\.zip(?:\.upload\.json)?$/u.test(name))
      for (const name of names) if (name !== basename(file)) await rm(join(folder, name), { force: true })
    },
    join(folder, `build-${process.pid}-`),
  )
}

/** Appends to a file, or creates it. After a failure, such as on a full disk, it is as before. */
async function addText(file: string, text: string): Promise<void> {
  const before = await stat(file).catch(() => undefined)
  try {
    await appendFile(file, text)
  } catch (error) {
    await (before === undefined ? rm(file, { force: true }) : truncate(file, before.size)).catch(
      () => undefined,
    )
    throw error
  }
}
