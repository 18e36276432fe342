import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { openZip, type ZipArchive } from '../../src/archive/zip/read-zip.ts'
import { fileSource } from './file-source.ts'
import { WORK_FOLDER } from './open-task.ts'

/** The newest bundle that was built from a folder; undefined when there is none. */
export async function findBuilt(folder: string): Promise<ZipArchive | undefined> {
  const file = await findBuiltBundle(folder)
  return file === undefined ? undefined : openZip(await fileSource(file))
}

/** Path of the newest built bundle; undefined when there is none. */
export async function findBuiltBundle(folder: string): Promise<string | undefined> {
  const names = await readdir(join(folder, WORK_FOLDER)).catch(() => [])
  const files = names.filter((name) => name.endsWith('.zip')).map((name) => join(folder, WORK_FOLDER, name))
  const times = await Promise.all(files.map(async (file) => ({ file, time: (await stat(file)).mtimeMs })))
  return times.toSorted((a, b) => b.time - a.time)[0]?.file
}
