import { posix } from 'node:path'
import { OPAQUE, WHITEOUT } from '../../src/import/image/mount-points.ts'
import type { LayerEntry } from './layer-memory.ts'

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

/** File system of an image, from the headers of its layers. Memory: about 300 bytes a file. */
export interface ImageTree {
  /** Adds an entry of a layer; call it from the lowest layer to the highest. A layer takes time linear in the number of files. */
  add(entry: LayerEntry, layer: number): void
  /** The entry at a path, with links resolved; undefined when there is none. */
  find(path: string): TreeEntry | undefined
  /** The path with links resolved, whether it exists or not; undefined when there are too many links. */
  realPath(path: string): string | undefined
  /** Whether files were omitted because of {@link MAX_NODES}: a path that is not found may then exist. */
  isCut(): boolean
}

/** A name in a folder. */
interface Node {
  children?: Map<string, Node>
  /** Undefined if the name is known only from the paths below it. */
  entry?: TreeEntry | undefined
  /** Layer that the entry comes from. */
  layer?: number
  /** Layer that has hidden what lower ones had below it: another whiteout of that layer changes nothing. */
  hiddenBy?: number
}

/** Number of names in a tree. */
interface NodeCount {
  nodes: number
}

/** An image of several GB has about 200 000 files. */
const MAX_NODES = 2_000_000
/** Linux's limit of a path in bytes: no file can be opened by more characters. */
const MAX_PATH = 4096
/** Linux's limit of links in one path. */
const MAX_LINK_STEPS = 40
const KINDS: Readonly<Record<string, TreeEntry['kind']>> = {
  '0': 'file',
  '7': 'file',
  '1': 'file',
  '2': 'link',
  '5': 'folder',
}

export function createImageTree(): ImageTree {
  const root: Node = {}
  const count: NodeCount = { nodes: 0 }
  let isCut = false

  return {
    add(header, layer) {
      const parts = partsOf(posix.normalize(`/${header.name}`))
      const base = parts.at(-1) ?? ''
      if (header.name.length > MAX_PATH) return
      if (base.startsWith(WHITEOUT)) {
        const folder = nodeAt(root, parts.slice(0, -1))
        if (folder === undefined) return
        if (base === OPAQUE) hideBelow(folder, layer, count)
        else hide(folder, base.slice(WHITEOUT.length), layer, count)
        return
      }
      const node = grow(root, parts, count)
      isCut ||= node === undefined
      if (node === undefined) return
      node.entry = entryOf(root, header, layer)
      node.layer = layer
      if (node.entry.kind !== 'folder') hideBelow(node, layer, count)
    },
    find(path) {
      const real = realPath(root, path)
      return real === undefined ? undefined : nodeAt(root, partsOf(real))?.entry
    },
    realPath: (path) => realPath(root, path),
    isCut: () => isCut,
  }
}

/** Adds the missing nodes of a path. @returns undefined when the tree is full */
function grow(root: Node, parts: readonly string[], count: NodeCount): Node | undefined {
  let node = root
  for (const part of parts) {
    node.children ??= new Map()
    let child = node.children.get(part)
    if (child === undefined) {
      if (count.nodes >= MAX_NODES) return undefined
      count.nodes += 1
      child = {}
      node.children.set(part, child)
    }
    node = child
  }
  return node
}

/** Removes what lower layers have put at a name of a folder, and below it. */
function hide(folder: Node, name: string, layer: number, count: NodeCount): void {
  const node = folder.children?.get(name)
  if (node === undefined) return
  hideBelow(node, layer, count)
  if (node.layer !== layer) node.entry = undefined
  if (node.entry !== undefined || (node.children?.size ?? 0) > 0) return
  folder.children?.delete(name)
  count.nodes -= 1
}

function hideBelow(folder: Node, layer: number, count: NodeCount): void {
  if (folder.hiddenBy === layer) return
  folder.hiddenBy = layer
  for (const name of folder.children?.keys() ?? []) hide(folder, name, layer, count)
}

function entryOf(root: Node, header: LayerEntry, layer: number): TreeEntry {
  const { name, mode, uid, linkName } = header
  const isOldFolder = header.typeFlag === '0' && name.endsWith('/')
  const kind = isOldFolder ? 'folder' : (KINDS[header.typeFlag] ?? 'other')
  const original = header.typeFlag === '1' ? nodeAt(root, partsOf(normalized(linkName)))?.entry : undefined
  const contentPath = original?.contentPath ?? normalized(name)
  return { kind, mode, uid, target: linkName, layer: original?.layer ?? layer, contentPath }
}

function nodeAt(root: Node, parts: readonly string[]): Node | undefined {
  let node: Node | undefined = root
  for (const part of parts) node = node?.children?.get(part)
  return node
}

/** Resolves links in every part of the path. */
function realPath(root: Node, path: string): string | undefined {
  let parts = partsOf(posix.normalize(`/${path}`))
  for (let steps = 0; steps <= MAX_LINK_STEPS; steps += 1) {
    const link = firstLink(root, parts)
    if (link === undefined) return `/${parts.join('/')}`
    const folder = `/${parts.slice(0, link.depth).join('/')}`
    parts = [...partsOf(posix.resolve(folder, link.target)), ...parts.slice(link.depth + 1)]
  }
  return undefined
}

function firstLink(root: Node, parts: readonly string[]): { depth: number; target: string } | undefined {
  let node: Node | undefined = root
  for (const [depth, part] of parts.entries()) {
    node = node.children?.get(part)
    if (node === undefined) return undefined
    if (node.entry?.kind === 'link') return { depth, target: node.entry.target }
  }
  return undefined
}

function normalized(name: string): string {
  return `/${partsOf(posix.normalize(`/${name}`)).join('/')}`
}

function partsOf(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '')
}
