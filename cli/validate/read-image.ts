import { posix } from 'node:path'
import type { RunConfig } from '../../local/embedded/image-config.ts'
import type { ImageTree } from '../image/image-tree.ts'
import type { ProgramFile } from '../image/program-file.ts'
import type { TreeEntry } from '../image/tree-node.ts'

/** An image whose files are known. */
export interface ReadImage {
  readonly config: RunConfig
  readonly tree: ImageTree
  /** Text of a small file; undefined when it cannot be read. */
  readonly textOf: (entry: TreeEntry) => Promise<string | undefined>
  /** Recognises the program in a file; undefined when its layer does not have it. */
  readonly programOf: (entry: TreeEntry) => Promise<ProgramFile | undefined>
  /** Folders where the run's files are mounted: paths below them are not in the image. */
  readonly mountPoints: readonly string[]
}

/** Working directory of the image's command. */
export function workingDirectory({ config }: RunConfig): string {
  return posix.resolve('/', config?.WorkingDir || '/')
}
