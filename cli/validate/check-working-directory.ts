import { posix } from 'node:path'
import { quoted } from '../../src/contract/quoted.ts'
import { isWithin } from '../../src/task/descriptor/folders.ts'
import type { ImageTree } from '../image/image-tree.ts'
import { namesOf } from '../image/tree-node.ts'
import { type Finding, problem } from './finding.ts'
import type { ReadImage } from './read-image.ts'

/** Folders that container engines mount, whatever the image has there. */
const MOUNTED = ['/dev', '/proc', '/sys']
/** Layer index of no layer. */
const NO_LAYER = -1
const CURE = 'name a folder in WORKDIR, or leave the path out of the image: a missing folder is created'

/** Checks that the working directory is a folder, a link to one, or missing: engines create it then. */
export function checkWorkingDirectory({ config, tree, mountPoints }: ReadImage): Finding[] {
  const given = config.config?.WorkingDir ?? ''
  if (given === '' || tree.isCut()) return []
  const name = `its working directory ${quoted(given)}`
  if (!given.startsWith('/')) {
    const words = `${name} is not an absolute path, so its container cannot start; write WORKDIR ${posix.resolve('/', given)}`
    return [problem('image', words)]
  }
  const names = namesOf(given)
  let folder = '/'
  for (const [depth, part] of names.entries()) {
    const path = posix.join(folder, part)
    const real = tree.realPath(path)
    if (real !== undefined && [...MOUNTED, ...mountPoints].some((folder) => isWithin(real, folder))) return []
    const what = obstacleAt(tree, path, real)
    if (what !== undefined) {
      const where = depth === names.length - 1 ? what : `is below ${quoted(path)}, which ${what}`
      return [problem('image', `${name} ${where}, so its container cannot start; ${CURE}`)]
    }
    folder = real ?? path
  }
  return []
}

/** Predicate about a path that cannot be a folder in a run; undefined when it is one, or can be created. */
function obstacleAt(tree: ImageTree, path: string, real: string | undefined): string | undefined {
  if (real === undefined) return 'is a link that leads in a circle'
  const entry = tree.find(real)
  const isLink = real !== path
  const isMissing = tree.placeOf(real, NO_LAYER) === 'nowhere'
  if (isLink && isMissing) return `is a link to ${quoted(real)}, which does not exist`
  if (entry === undefined || entry.kind === 'folder') return undefined
  const what = entry.kind === 'file' ? 'a file' : 'a device or a pipe'
  return isLink ? `is a link to ${quoted(real)}, ${what}` : `is ${what}`
}
