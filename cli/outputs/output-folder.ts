import { constants } from 'node:fs'
import { access, mkdir, stat } from 'node:fs/promises'
import { usageError } from '../terminal/command-error.ts'

/**
 * Creates the folder for outputs, if it does not exist. Called before a run, which may take hours.
 * @throws CommandError when nothing can be written into it
 */
export async function requireOutputFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await access(folder, constants.W_OK | constants.X_OK)
  } catch (error) {
    const info = await stat(folder).catch(() => undefined)
    const reason =
      info !== undefined && !info.isDirectory() ? `${folder} is not a folder` : (error as Error).message
    throw usageError(`the outputs cannot be written into ${folder}: ${reason}; choose another folder with -o`)
  }
}
