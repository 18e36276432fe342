import { existsSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Removes what an earlier run left for these outputs, so that nothing old passes for new: files, and folders of arrays. Any other folder
 * is its owner's and stays.
 */
export async function removeEarlier(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(folder, name)
    const info = await stat(path).catch(() => undefined)
    const isOurs = info?.isFile() === true || existsSync(join(path, 'array.yml'))
    if (isOurs) await rm(path, { recursive: true })
  }
}
