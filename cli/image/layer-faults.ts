import { posix } from 'node:path'
import { quoted } from '../../src/contract/quoted.ts'
import type { EntryFault, ImageTree } from './image-tree.ts'
import type { LayerEntry } from './layer-memory.ts'

/*
 * Faults of layers for which podman 4.3 (tried) does not load or pull an image. Each layer is unpacked into an empty folder, as by docker's
 * overlay2. Other engines may unpack layers over each other and accept more: an image with such a layer does not run everywhere.
 */

/** Searches the entries of one layer for faults. */
export interface LayerFaults {
  /** Adds the entry to the tree, and records its fault. */
  add(entry: LayerEntry): void
  /** One sentence for each fault, after the last entry. */
  messages(): readonly string[]
}

/** A fault, and the name of the entry. */
type Fault = { readonly name: string } & (
  | EntryFault
  | { readonly kind: 'twice' }
  | { readonly kind: 'unknown-type'; readonly typeFlag: string }
)

/** Number of faults of a layer that are described; a layer of a wrong tool may have one for each file. */
const MAX_SHOWN = 5
/** Maximum number of paths of a layer that are compared. */
const MAX_PATHS = 2_000_000
/** Files, links, devices, folders and pipes. */
const KNOWN_TYPES = '0123456'
const CURE = 'or build the image again with docker, podman or buildah'

/** Memory: the paths of the layer. */
export function createLayerFaults(tree: ImageTree, index: number, layerName: string): LayerFaults {
  const paths = new Set<string>()
  const faults: Fault[] = []
  let count = 0

  function faultOf(entry: LayerEntry): Fault | undefined {
    const { name, typeFlag } = entry
    const path = comparable(name)
    const isTwice = paths.has(path)
    if (paths.size < MAX_PATHS) paths.add(path)
    const fault = tree.add(entry, index)
    if (isTwice) return { name, kind: 'twice' }
    if (!KNOWN_TYPES.includes(typeFlag)) return { name, kind: 'unknown-type', typeFlag }
    return fault && { name, ...fault }
  }

  return {
    add(entry) {
      const fault = faultOf(entry)
      if (fault === undefined) return
      count += 1
      if (faults.length < MAX_SHOWN) faults.push(fault)
    },
    messages() {
      const layer = `the layer ${quoted(layerName)}`
      const shown = faults.map((fault) => `${layer} ${sentence(tree, index, fault)}, ${CURE}`)
      const others = count - faults.length
      return others === 0
        ? shown
        : [...shown, `${layer} has ${others} more faults of these kinds; ${CURE.slice(3)}`]
    },
  }
}

/** Path by which engines compare entries: `./a/` is `a`, but `/a` is another path. */
function comparable(name: string): string {
  const path = posix.normalize(name)
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

/** End of the sentence about a layer. */
function sentence(tree: ImageTree, index: number, fault: Fault): string {
  const name = quoted(fault.name)
  switch (fault.kind) {
    case 'twice':
      return `has the path ${name} twice, which container engines refuse; leave one of the entries out`
    case 'unknown-type':
      return `has the path ${name} of the tar type ${quoted(fault.typeFlag)}, which container engines do not unpack; pack it with another tar program, without --sparse`
    case 'blocked': {
      const { path, kind } = fault.by
      const what = kind === 'file' ? 'which is no folder' : 'a link to a folder that this layer does not have'
      return `has the path ${name} below ${quoted(path)}, ${what}, so container engines cannot unpack it; put it into a folder`
    }
    case 'removes-own':
      return `has ${name}, which removes ${quoted(fault.path)} after the layer has added it, so container engines cannot unpack it; leave the path out`
    case 'folder-target':
      return `has the hard link ${name} to ${quoted(fault.target)}, a folder, which cannot have hard links; make it a symbolic link`
    case 'no-target': {
      const where = WHERE[tree.placeOf(fault.target, index)]
      return `has the hard link ${name} to ${quoted(fault.target)}, ${where}, so container engines cannot unpack it; put the file before the link in this layer, make it a symbolic link`
    }
  }
}

const WHERE: Readonly<Record<ReturnType<ImageTree['placeOf']>, string>> = {
  layer: 'which comes after it in the layer',
  lower: 'which is only in a lower layer',
  nowhere: 'which does not exist',
}
