import { homedir } from 'node:os'
import { join } from 'node:path'

/** What may be removed at any time: images, unpacked for the embedded engine. */
export const CACHE_FOLDER = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cytomine-task')
