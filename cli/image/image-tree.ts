import { posix } from 'node:path'
import { OPAQUE, WHITEOUT } from '../../src/import/image/mount-points.ts'
import type { LayerEntry } from './layer-memory.ts'
import {
  type BlockedFolder,
  folderInLayer,
  MAX_LINK_STEPS,
  namesOf,
  nodeAt,
  partsOf,
  type TreeEntry,
  type TreeNode,
} from './tree-node.ts'

/** Reason for which container engines cannot unpack an entry of a layer. */
export type EntryFault =
  /** A part of its path is no folder. */
  | { readonly kind: 'blocked'; readonly by: BlockedFolder }
  /** A hard link whose target is not before it in the layer. */
  | { readonly kind: 'no-target'; readonly target: string }
  | { readonly kind: 'folder-target'; readonly target: string }
  /** A whiteout of a path that the same layer has. */
  | { readonly kind: 'removes-own'; readonly path: string }

/** File system of an image, from the headers of its layers. Memory: about 300 bytes a file. */
export interface ImageTree {
  /** Adds an entry of a layer; call it from the lowest layer to the highest. A layer takes time linear in the number of files. */
  add(entry: LayerEntry, layer: number): EntryFault | undefined
  /** Where a path is, without resolving links: in a layer, only in lower ones, or nowhere. */
  placeOf(path: string, layer: number): 'layer' | 'lower' | 'nowhere'
  /** The entry at a path, with links resolved; undefined when there is none. */
  find(path: string): TreeEntry | undefined
  /** The path with links resolved, whether it exists or not; undefined when there are too many links. */
  realPath(path: string): string | undefined
  /** Whether files were omitted because of {@link MAX_NODES}: a path that is not found may then exist. */
  isCut(): boolean
}

/** An image of several GB has about 200 000 files. */
const MAX_NODES = 2_000_000
/** Linux's limit of a path in bytes: no file can be opened by more characters. */
const MAX_PATH = 4096
const KINDS: Readonly<Record<string, TreeEntry['kind']>> = {
  '0': 'file',
  '7': 'file',
  '1': 'file',
  '2': 'link',
  '5': 'folder',
}

/** The nodes of a tree, and their number. */
interface Nodes {
  readonly root: TreeNode
  count: number
}

export function createImageTree(): ImageTree {
  const root: TreeNode = {}
  const nodes: Nodes = { root, count: 0 }
  let isCut = false

  return {
    add(header, layer) {
      if (header.name.length > MAX_PATH) return undefined
      const names = namesOf(header.name)
      const base = names.at(-1) ?? ''
      const folder = folderInLayer(root, names.slice(0, -1), layer)
      if (base.startsWith(WHITEOUT)) return remove(nodes, folder.parts, base, layer)
      if (folder.blocked !== undefined) return { kind: 'blocked', by: folder.blocked }
      const linked = header.typeFlag === '1' ? linkedBy(root, header, layer) : {}
      const node = grow(nodes, names.length === 0 ? [] : [...folder.parts, base], layer)
      isCut ||= node === undefined
      if (node === undefined) return undefined
      node.entry = entryOf(header, layer, linked.original)
      node.layer = layer
      if (node.entry.kind !== 'folder') hideBelow(nodes, node, layer)
      // A missing target may have been omitted.
      return isCut ? undefined : linked.fault
    },
    placeOf(path, layer) {
      const node = nodeAt(root, namesOf(path))
      if (node?.seenIn === layer) return 'layer'
      return node === undefined ? 'nowhere' : 'lower'
    },
    find(path) {
      const real = realPath(root, path)
      return real === undefined ? undefined : nodeAt(root, partsOf(real))?.entry
    },
    realPath: (path) => realPath(root, path),
    isCut: () => isCut,
  }
}

/** Adds the missing nodes of a path. A folder replaces a file or link of a lower layer. @returns undefined when the tree is full */
function grow(nodes: Nodes, parts: readonly string[], layer: number): TreeNode | undefined {
  let node = nodes.root
  for (const [depth, part] of parts.entries()) {
    node.children ??= new Map()
    let child = node.children.get(part)
    if (child === undefined) {
      if (nodes.count >= MAX_NODES) return undefined
      nodes.count += 1
      child = {}
      node.children.set(part, child)
    }
    child.seenIn = layer
    const isOnTheWay = depth < parts.length - 1
    if (isOnTheWay && child.layer !== layer && child.entry?.kind !== 'folder') child.entry = undefined
    node = child
  }
  return node
}

/** Applies a whiteout. Engines ignore one in a folder that does not exist. */
function remove(
  nodes: Nodes,
  folder: readonly string[] | undefined,
  base: string,
  layer: number,
): EntryFault | undefined {
  const node = folder && nodeAt(nodes.root, folder)
  if (folder === undefined || node === undefined) return undefined
  if (base === OPAQUE) {
    hideBelow(nodes, node, layer)
    return undefined
  }
  const name = base.slice(WHITEOUT.length)
  hide(nodes, node, name, layer)
  const isOwn = node.children?.get(name)?.seenIn === layer
  return isOwn ? { kind: 'removes-own', path: `/${[...folder, name].join('/')}` } : undefined
}

/** Removes what lower layers have put at a name of a folder, and below it. */
function hide(nodes: Nodes, folder: TreeNode, name: string, layer: number): void {
  const node = folder.children?.get(name)
  if (node === undefined) return
  hideBelow(nodes, node, layer)
  if (node.layer !== layer) node.entry = undefined
  if (node.entry !== undefined || (node.children?.size ?? 0) > 0) return
  folder.children?.delete(name)
  nodes.count -= 1
}

function hideBelow(nodes: Nodes, folder: TreeNode, layer: number): void {
  if (folder.hiddenBy === layer) return
  folder.hiddenBy = layer
  for (const name of folder.children?.keys() ?? []) hide(nodes, folder, name, layer)
}

function entryOf(header: LayerEntry, layer: number, original: TreeEntry | undefined): TreeEntry {
  // A hard link is the same file under another name.
  if (original !== undefined) return original
  const { name, mode, uid, linkName: target } = header
  const isOldFolder = header.typeFlag === '0' && name.endsWith('/')
  const kind = isOldFolder ? 'folder' : (KINDS[header.typeFlag] ?? 'other')
  return { kind, mode, uid, target, layer, contentPath: `/${namesOf(name).join('/')}` }
}

/** Target of a hard link. It must be in the same layer; one of a lower layer is returned with the fault. */
function linkedBy(
  root: TreeNode,
  { linkName }: LayerEntry,
  layer: number,
): { readonly original?: TreeEntry | undefined; readonly fault?: EntryFault } {
  const names = namesOf(linkName)
  const target = `/${names.join('/')}`
  const { parts } = folderInLayer(root, names.slice(0, -1), layer)
  const node = parts && nodeAt(root, [...parts, ...names.slice(-1)])
  const own = node?.layer === layer ? node.entry : undefined
  if (own !== undefined && own.kind !== 'folder') return { original: own }
  if (names.length === 0 || node?.seenIn === layer) return { fault: { kind: 'folder-target', target } }
  return { original: nodeAt(root, names)?.entry, fault: { kind: 'no-target', target } }
}

/** Resolves links in every part of the path. */
function realPath(root: TreeNode, path: string): string | undefined {
  let parts = partsOf(posix.normalize(`/${path}`))
  for (let steps = 0; steps <= MAX_LINK_STEPS; steps += 1) {
    const link = firstLink(root, parts)
    if (link === undefined) return `/${parts.join('/')}`
    const folder = `/${parts.slice(0, link.depth).join('/')}`
    parts = [...partsOf(posix.resolve(folder, link.target)), ...parts.slice(link.depth + 1)]
  }
  return undefined
}

function firstLink(root: TreeNode, parts: readonly string[]): { depth: number; target: string } | undefined {
  let node: TreeNode | undefined = root
  for (const [depth, part] of parts.entries()) {
    node = node.children?.get(part)
    if (node === undefined) return undefined
    if (node.entry?.kind === 'link') return { depth, target: node.entry.target }
  }
  return undefined
}
