import { createHeaderWalk, type WalkEnd } from '../../src/archive/tar/header-walk.ts'
import { quoted } from '../../src/contract/quoted.ts'
import { OciFormatError } from '../../src/import/image/oci-format-error.ts'
import {
  type LayerClaim,
  type LayerEntry,
  type LayerFacts,
  type LayerMemory,
  MAX_KEPT_ENTRIES,
} from './layer-memory.ts'
import { type OpenLayer, readLayer } from './open-image.ts'
import { PROGRAM_START_BYTES, type ProgramFile, recogniseProgram } from './program-file.ts'
import { readContent } from './read-content.ts'
import type { TreeEntry } from './tree-node.ts'

/** Reads the layers of an image, or uses the facts that are stored about them. */
export interface LayerReader {
  /**
   * Calls a function for each entry of a layer.
   * @param index position of the layer
   * @returns bytes of the uncompressed tar
   * @throws OciFormatError for a layer that was read and is damaged
   */
  read(index: number, onEntry: (entry: LayerEntry) => void): Promise<number>
  /** Kind of program in a file; undefined if the layer does not contain the file. */
  programOf(entry: TreeEntry): Promise<ProgramFile | undefined>
  /** Text of a file of at most {@link PROGRAM_START_BYTES}; undefined for a larger one, and if the layer does not contain it. */
  textOf(entry: TreeEntry): Promise<string | undefined>
  /** Stores the facts about the layers that were read. */
  remember(): Promise<void>
}

/** @param maxEntries maximum number of entries in memory, for all layers together: the layers beyond are not remembered */
export function createLayerReader(
  layers: readonly OpenLayer[],
  memory: LayerMemory | undefined,
  maxEntries = MAX_KEPT_ENTRIES,
): LayerReader {
  const fresh = new Map<string, LayerFacts>()
  const programs = new Map<string, ReadonlyMap<string, ProgramFile>>()
  const news = new Map<string, LayerClaim>()
  let room = memory === undefined ? 0 : maxEntries

  async function readAnew(layer: OpenLayer, onEntry: (entry: LayerEntry) => void): Promise<number> {
    const collector = createCollector(onEntry, fresh.has(layer.diffId) ? 0 : room)
    const walk = createHeaderWalk(collector.take)
    const unpackedBytes = await readLayer(layer, walk.take)
    requireWhole(layer, walk.end())
    const entries = collector.entries()
    if (entries !== undefined) {
      room -= entries.length
      fresh.set(layer.diffId, { unpackedBytes, entries, programs: new Map() })
      news.set(layer.diffId, claimOf(layer))
    }
    return unpackedBytes
  }

  return {
    async read(index, onEntry) {
      const layer = layerAt(layers, index)
      const known = await memory?.find(claimOf(layer))
      if (known === undefined) return readAnew(layer, onEntry)
      for (const entry of known.entries) onEntry(entry)
      programs.set(layer.diffId, known.programs)
      return known.unpackedBytes
    },

    async programOf({ layer: index, contentPath }) {
      const layer = layerAt(layers, index)
      const known = programs.get(layer.diffId) ?? new Map<string, ProgramFile>()
      const remembered = known.get(contentPath)
      if (remembered !== undefined) return remembered
      const start = await readContent(layer, contentPath, PROGRAM_START_BYTES)
      if (start === undefined) return undefined
      const program = recogniseProgram(start)
      programs.set(layer.diffId, new Map(known).set(contentPath, program))
      news.set(layer.diffId, claimOf(layer))
      return program
    },

    async textOf({ layer: index, contentPath }) {
      const start = await readContent(layerAt(layers, index), contentPath, PROGRAM_START_BYTES + 1)
      return start === undefined || start.length > PROGRAM_START_BYTES ? undefined : start.toString()
    },

    async remember() {
      for (const [diffId, claim] of news) {
        const facts = fresh.get(diffId) ?? (await memory?.find(claim))
        const added = programs.get(diffId) ?? new Map()
        if (facts !== undefined) await memory?.keep(claim, { ...facts, programs: added })
      }
    },
  }
}

/** @throws OciFormatError for a tar that container engines do not unpack to its end */
function requireWhole({ name }: OpenLayer, { state, lastName }: WalkEnd): void {
  if (state === 'whole') return
  const what =
    state === 'cut'
      ? 'is incomplete: its tar archive is cut'
      : 'is damaged: its tar archive has an invalid header'
  const where = lastName === undefined ? 'at its start' : `after the path ${quoted(lastName)}`
  throw new OciFormatError(
    'corrupt-layer',
    `the layer ${quoted(name)} ${what} ${where}, so container engines cannot unpack it; build the image again, and save it with docker, podman or skopeo`,
  )
}

/** Passes entries on and collects them; undefined when there are more than the maximum, or it is 0. */
function createCollector(onEntry: (entry: LayerEntry) => void, maxEntries: number) {
  let entries: LayerEntry[] | undefined = maxEntries === 0 ? undefined : []
  return {
    take({ name, typeFlag, mode, uid, linkName }: LayerEntry): void {
      const entry = { name, typeFlag, mode, uid, linkName }
      onEntry(entry)
      if (entries !== undefined && entries.length >= maxEntries) entries = undefined
      entries?.push(entry)
    },
    entries: () => entries,
  }
}

function claimOf({ diffId, digest, source }: OpenLayer): LayerClaim {
  return { diffId, digest, sizeBytes: source.sizeBytes }
}

function layerAt(layers: readonly OpenLayer[], index: number): OpenLayer {
  const layer = layers[index]
  if (layer === undefined) throw new Error(`the image has no layer ${index}`)
  return layer
}
