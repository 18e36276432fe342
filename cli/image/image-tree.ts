import { posix } from 'node:path'
import type { TarHeader } from '../../src/archive/tar/tar-header.ts'

/** A file, folder or link of an image. */
export interface TreeEntry {
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  /** Permission bits. */
  readonly mode: number
  /** Target of a link. */
  readonly target: string
  /** Index of the layer that holds the content. */
  readonly layer: number
  /** Path of the content in that layer; differs for a hard link. */
  readonly contentPath: string
}

/** File system of an image, from the headers of its layers. Memory: about 200 bytes a file. */
export interface ImageTree {
  /** Adds an entry of a layer; call it from the lowest layer to the highest. */
  add(header: TarHeader, layer: number): void
  /** The entry at a path, with links resolved; undefined when there is none. */
  find(path: string): TreeEntry | undefined
  /** Whether files were dropped because of {@link MAX_ENTRIES}: a missing path then proves nothing. */
  isCut(): boolean
}

/** Images of several GB have about 200 000 files. */
const MAX_ENTRIES = 2_000_000
/** Linux's limit of links in one path. */
const MAX_LINK_STEPS = 40
const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'
const KINDS: Readonly<Record<string, TreeEntry['kind']>> = {
  '0': 'file',
  '7': 'file',
  '1': 'file',
  '2': 'link',
  '5': 'folder',
}

export function createImageTree(): ImageTree {
  const entries = new Map<string, TreeEntry>()
  let isCut = false

  function removeBelow(folder: string, keptLayer?: number): void {
    const start = folder === '/' ? '/' : `${folder}/`
    for (const [path, { layer }] of entries)
      if (path.startsWith(start) && layer !== keptLayer) entries.delete(path)
  }

  /** Resolves links in every part of the path. */
  function find(path: string): TreeEntry | undefined {
    let steps = 0
    const resolve = (parts: readonly string[]): string | undefined => {
      let at = '/'
      for (const [index, part] of parts.entries()) {
        at = posix.join(at, part)
        const entry = entries.get(at)
        if (entry?.kind !== 'link') continue
        steps += 1
        if (steps > MAX_LINK_STEPS) return undefined
        const target = posix.resolve(posix.dirname(at), entry.target)
        return resolve([...partsOf(target), ...parts.slice(index + 1)])
      }
      return at
    }
    const real = resolve(partsOf(posix.normalize(`/${path}`)))
    return real === undefined ? undefined : entries.get(real)
  }

  return {
    add(header, layer) {
      const path = normalized(header.name)
      const [folder, base] = [posix.dirname(path), posix.basename(path)]
      if (base === OPAQUE) return removeBelow(folder, layer)
      if (base.startsWith(WHITEOUT)) {
        const gone = posix.join(folder, base.slice(WHITEOUT.length))
        entries.delete(gone)
        return removeBelow(gone, layer)
      }
      if (entries.size >= MAX_ENTRIES) {
        isCut = true
        return
      }
      const isOldFolder = header.typeFlag === '0' && header.name.endsWith('/')
      const kind = isOldFolder ? 'folder' : (KINDS[header.typeFlag] ?? 'other')
      const original = header.typeFlag === '1' ? entries.get(normalized(header.linkName)) : undefined
      entries.set(path, {
        kind,
        mode: header.mode,
        target: header.linkName,
        layer: original?.layer ?? layer,
        contentPath: original?.contentPath ?? path,
      })
    },
    find,
    isCut: () => isCut,
  }
}

function normalized(name: string): string {
  const path = posix.normalize(`/${name}`)
  return path.length > 1 ? path.replace(/\/$/u, '') : path
}

function partsOf(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '')
}
