import { chmod, readdir, writeFile } from 'node:fs/promises'
import { isAbsolute, join, normalize, sep } from 'node:path'
import type { StagingApi } from './api-client.ts'
import { unpackFolder } from './folders.ts'
import { download, forEachInParallel } from './transfer.ts'

/** Images run under any user, and both folders must be theirs to write (run-lifecycle 7.2, parameter-io 1.1). */
const ANYBODY_FOLDER = 0o777
const ANYBODY_FILE = 0o666

/** Fills the input folder with exactly the provisioned inputs and opens both folders to any user. */
export async function stageIn(api: StagingApi, inputFolder: string, outputFolder: string): Promise<void> {
  const { files } = await api.inputs()
  await forEachInParallel(files, async ({ path, content }) => {
    const target = join(inputFolder, safePath(path))
    if (content.kind === 'tree') {
      const zip = `${target}.zip`
      await download(content.url, zip, content.sizeBytes)
      await unpackFolder(zip, inputFolder, safePath)
    } else if (content.kind === 'url') await download(content.url, target, content.sizeBytes)
    else await writeFile(target, content.text)
  })
  await openToAnybody(inputFolder)
  await chmod(outputFolder, ANYBODY_FOLDER)
  console.log(`${files.length} input file(s) in place`)
}

/** After writing: the mode of a new file is cut by the umask. */
async function openToAnybody(folder: string): Promise<void> {
  await chmod(folder, ANYBODY_FOLDER)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? ANYBODY_FOLDER : ANYBODY_FILE)
  }
}

/** @throws Error for a path that would leave the folder */
export function safePath(path: string): string {
  const clean = normalize(path)
  if (
    path === '' ||
    isAbsolute(path) ||
    clean === '..' ||
    clean.startsWith(`..${sep}`) ||
    path.includes('\0')
  ) {
    throw new Error(`input path ${JSON.stringify(path)} leaves the folder`)
  }
  return clean
}
