import { homedir } from 'node:os'
import { join } from 'node:path'

/** Folder of unpacked images for the embedded engine. It may be deleted at any time. */
export const CACHE_FOLDER = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cytomine-task')
