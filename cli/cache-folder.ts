import { homedir } from 'node:os'
import { join } from 'node:path'

/** Folder of images that are unpacked for the embedded engine. It may be removed at any time. */
export const CACHE_FOLDER = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cytomine-task')
