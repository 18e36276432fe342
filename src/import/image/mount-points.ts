import { posix } from 'node:path'
import { createHeaderWalk } from '../../archive/tar/header-walk.ts'
import type { TarHeader } from '../../archive/tar/tar-header.ts'
import { quoted } from '../../contract/quoted.ts'
import type { ImportedLayer } from '../../upload/upload.ts'
import { OciFormatError } from './oci-format-error.ts'

/*
 * Container engines resolve symbolic links of the image when they mount the folders of a run. With a link at /inputs, the files of the
 * run would hide the link's target. The descriptor's folders are restricted; a link would circumvent that.
 */

/** Kinds by path without leading slash; paths that the layer does not contain are missing. */
export type MountPointFacts = NonNullable<ImportedLayer['mountPoints']>

/** Kind of a layer's entry at a path. */
export type MountPointKind = MountPointFacts[string]

/** Searches the entries of one layer. */
export interface MountPointScan {
  /** Takes a piece of the layer's tar. */
  take(chunk: Uint8Array): void
  /** Takes an entry whose header was read elsewhere. */
  takeEntry(entry: Pick<TarHeader, 'name' | 'typeFlag'>): void
  facts(): MountPointFacts
}

const KINDS: Readonly<Record<string, MountPointKind>> = { '5': 'folder', '2': 'link' }
/**
 * Whiteouts of OCI layers: `.wh.<name>` removes a name, `.wh..wh..opq` everything that lower layers have in the folder.
 */
export const WHITEOUT = '.wh.'
export const OPAQUE = '.wh..wh..opq'

/** Maximum number of links recorded for a layer, 100 bytes each; the largest public images have about 30 000. */
const MAX_LINKS = 200_000

/** Paths of the folders and their parents, outermost first. */
function watchedPaths(folders: readonly string[]): readonly string[] {
  const paths = folders.flatMap((folder) => {
    const names = folder.split('/').filter(Boolean)
    return names.map((_, i) => names.slice(0, i + 1).join('/'))
  })
  return [...new Set(paths)].sort((a, b) => a.length - b.length)
}

/**
 * Searches a layer for the folders and their parents. Memory: one header, or an extension of 1 MiB. A malformed tar
 * gives no result: the container engine that unpacks it rejects it.
 * @param folders absolute
 */
export function scanMountPoints(folders: readonly string[]): MountPointScan {
  const watched = watchedPaths(folders)
  const found = new Map<string, MountPointKind>()
  const gone = new Set<string>()
  const links = new Set<string>()
  const takeEntry = ({ name, typeFlag }: Pick<TarHeader, 'name' | 'typeFlag'>): void => {
    const path = posix.normalize(`/${name}`).replace(/^\/+|\/+$/gu, '')
    const folder = posix.dirname(path)
    const base = posix.basename(path)
    if (base === OPAQUE) {
      for (const one of watched) if (posix.dirname(one) === folder || folder === '.') gone.add(one)
    } else if (base.startsWith(WHITEOUT)) {
      gone.add(posix.join(folder, base.slice(WHITEOUT.length)))
    } else {
      const isFolder = name.endsWith('/') && typeFlag === '0'
      const kind = isFolder ? 'folder' : (KINDS[typeFlag] ?? 'file')
      if (watched.includes(path)) found.set(path, kind)
      else if (kind !== 'folder' && isBehindLink(folder)) {
        for (const one of watched) if (posix.basename(one) === base) found.set(one, kind)
      }
      if (kind === 'link') links.add(path)
    }
  }

  /**
   * Whether a folder or one of its parents is a link of this layer. Engines follow the link while they unpack, so
   * `a/inputs` could end up at `/inputs`. The target is not resolved, since no tool writes such layers.
   */
  function isBehindLink(folder: string): boolean {
    if (links.size > MAX_LINKS) return true
    for (let one = folder; one !== '.' && one !== '/'; one = posix.dirname(one))
      if (links.has(one)) return true
    return false
  }

  return {
    take: createHeaderWalk(takeEntry).take,
    takeEntry,
    facts: () => {
      const entries = watched.flatMap((path): [string, MountPointKind][] => {
        const kind = found.get(path) ?? (gone.has(path) ? 'gone' : undefined)
        return kind === undefined ? [] : [[path, kind]]
      })
      return Object.fromEntries(entries)
    },
  }
}

/**
 * Checks the mount points of an image, its layers from lowest to highest.
 * @throws OciFormatError when one of the folders or a parent is a link or a file
 */
export function requireMountable(folders: readonly string[], layers: readonly MountPointFacts[]): void {
  for (const path of watchedPaths(folders)) {
    let kind: MountPointKind | undefined
    for (const facts of layers) {
      // An entry that replaces a folder removes its content.
      const isReplaced = parentsOf(path).some((parent) => (facts[parent] ?? 'folder') !== 'folder')
      kind = facts[path] ?? (isReplaced ? 'gone' : kind)
    }
    if (kind !== 'link' && kind !== 'file') continue
    const what = kind === 'link' ? 'a link' : 'a file'
    throw new OciFormatError(
      'unsafe-mount-point',
      `the image has ${what} at ${quoted(`/${path}`)}, where the files of a run are mounted: make it a folder, or name other folders in configuration.input_folder and output_folder`,
    )
  }
}

function parentsOf(path: string): readonly string[] {
  return watchedPaths([path]).slice(0, -1)
}
