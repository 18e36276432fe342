import { posix } from 'node:path'

/** A file, folder or link of an image. */
export interface TreeEntry {
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  /** Permission bits. */
  readonly mode: number
  /** User id of the owner; -1 when it is unknown. */
  readonly uid: number
  /** Target of a link. */
  readonly target: string
  /** Index of the layer that contains the content. */
  readonly layer: number
  /** Path of the content in that layer; differs for a hard link. */
  readonly contentPath: string
}

/** A name in a folder. */
export interface TreeNode {
  children?: Map<string, TreeNode>
  /** Undefined if the name is known only from the paths below it. */
  entry?: TreeEntry | undefined
  /** Layer that the entry comes from. */
  layer?: number
  /** Highest layer that has an entry at this path or below it. */
  seenIn?: number
  /** Layer that has hidden what lower ones had below it: another whiteout of that layer changes nothing. */
  hiddenBy?: number
}

/** Linux's limit of links in one path. */
export const MAX_LINK_STEPS = 40

export function partsOf(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '')
}

/** Names of a path from the root, which `..` does not leave. */
export function namesOf(path: string): readonly string[] {
  return partsOf(posix.normalize(`/${path}`))
}

export function nodeAt(root: TreeNode, parts: readonly string[]): TreeNode | undefined {
  let node: TreeNode | undefined = root
  for (const part of parts) node = node?.children?.get(part)
  return node
}

/** Folder of a layer, or the reason for which it cannot be one. */
export type LayerFolder =
  | { readonly parts: readonly string[]; readonly blocked?: undefined }
  | { readonly parts?: undefined; readonly blocked: BlockedFolder }

/** A file or a link without a folder behind it, at a path that must be a folder. */
export interface BlockedFolder {
  readonly path: string
  readonly kind: 'file' | 'dangling-link'
}

/**
 * Resolves a folder as container engines do while they unpack a layer: into an empty folder, so that entries of lower layers do not
 * exist. Missing folders are created, but not the target of a link.
 */
export function folderInLayer(root: TreeNode, parts: readonly string[], layer: number): LayerFolder {
  let left = parts.toReversed()
  let path: string[] = []
  let node: TreeNode | undefined = root
  /** Number of names that come from the target of a link. */
  let owed = 0
  let link = ''
  for (let steps = 0; left.length > 0; ) {
    const name = left.pop() ?? ''
    const child: TreeNode | undefined = node?.children?.get(name)
    const here: TreeNode | undefined = child?.seenIn === layer ? child : undefined
    if (here === undefined && owed > 0) return { blocked: { path: link, kind: 'dangling-link' } }
    const entry = here?.layer === layer ? here.entry : undefined
    if (entry?.kind === 'link') {
      steps += 1
      link = `/${[...path, name].join('/')}`
      if (steps > MAX_LINK_STEPS) return { blocked: { path: link, kind: 'dangling-link' } }
      const target = partsOf(posix.resolve('/', ...path, entry.target))
      owed = Math.max(0, owed - 1) + target.length
      left = [...left, ...target.toReversed()]
      path = []
      node = root
      continue
    }
    owed = Math.max(0, owed - 1)
    path.push(name)
    if (entry !== undefined && entry.kind !== 'folder')
      return { blocked: { path: `/${path.join('/')}`, kind: 'file' } }
    node = here
  }
  return { parts: path }
}
