import { existsSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Removes the files and array folders that an earlier run wrote for these outputs, so that they are not mistaken for new ones. Any
 * other folder belongs to the user and is kept.
 */
export async function removeEarlier(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(folder, name)
    const info = await stat(path).catch(() => undefined)
    const isOurs = info?.isFile() === true || existsSync(join(path, 'array.yml'))
    if (isOurs) await rm(path, { recursive: true })
  }
}
