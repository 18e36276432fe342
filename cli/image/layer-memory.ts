import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import * as z from 'zod'
import type { TarHeader } from '../../src/archive/tar/tar-header.ts'
import { keptFolder } from '../cache-folder.ts'
import { type ProgramFile, programFileSchema } from './program-file.ts'

/** Fields of the header of a file in a layer that the checks need. */
export type LayerEntry = Pick<TarHeader, 'name' | 'typeFlag' | 'mode' | 'uid' | 'linkName'>

/** Facts about the content of a layer. */
export interface LayerFacts {
  readonly unpackedBytes: number
  readonly entries: readonly LayerEntry[]
  /** Programs that commands of images have named, by path in the layer. */
  readonly programs: ReadonlyMap<string, ProgramFile>
}

/** A layer, as an archive describes it. Its bytes may differ from the description. */
export interface LayerClaim {
  /** Digest of the uncompressed layer, from the image's config. */
  readonly diffId: string
  /** Size of the file in the archive. */
  readonly sizeBytes: number
  /** Digest of the file, from the manifest of an OCI layout. */
  readonly digest?: string | undefined
}

/**
 * Facts about layers that were read completely. They are found for a layer with the same diff id, size and digest only: a truncated or
 * repacked file is read. Bytes that were changed without a change of the size are found by the service only.
 */
export interface LayerMemory {
  find(layer: LayerClaim): Promise<LayerFacts | undefined>
  keep(layer: LayerClaim, facts: LayerFacts): Promise<void>
}

/** Maximum number of entries of a remembered layer: the list of a larger one would take tens of megabytes. */
export const MAX_KEPT_ENTRIES = 300_000
const MAX_FACTS_BYTES = 256 * 1024 ** 2
/** Version of the stored facts: raise it when their schema, the read headers or the results of `recogniseProgram` change. */
const FORMAT = 4
const DIFF_ID = /^sha256:([0-9a-f]{64})$/u

const factsSchema = z.object({
  sizeBytes: z.int().nonnegative(),
  digest: z.string().optional(),
  unpackedBytes: z.int().nonnegative(),
  entries: z.array(z.tuple([z.string(), z.string(), z.int(), z.int(), z.string()])).max(MAX_KEPT_ENTRIES),
  programs: z.array(z.tuple([z.string(), programFileSchema])),
})

export interface LayerMemoryOptions {
  readonly folder: string
  /** Maximum size of all files, in bytes. Beyond it, the files that were used longest ago are removed. */
  readonly maxBytes?: number
}

/** Facts in the user's cache; undefined if that is not private. */
export function userLayerMemory(): LayerMemory | undefined {
  const kept = keptFolder()
  return kept === undefined ? undefined : createLayerMemory({ folder: join(kept, `layers-${FORMAT}`) })
}

/** Stores facts about layers in files. Without a usable folder, or with damaged files, layers are read again. */
export function createLayerMemory({ folder, maxBytes = 256 * 1024 ** 2 }: LayerMemoryOptions): LayerMemory {
  const fileOf = (diffId: string): string | undefined => {
    const [, name] = DIFF_ID.exec(diffId) ?? []
    return name === undefined ? undefined : join(folder, `${name}.json.gz`)
  }
  return {
    async find(layer) {
      const file = fileOf(layer.diffId)
      if (file === undefined) return undefined
      try {
        const { sizeBytes, digest, ...facts } = decode(await readFile(file))
        if (sizeBytes !== layer.sizeBytes || digest !== layer.digest) return undefined
        const now = new Date()
        await utimes(file, now, now)
        return facts
      } catch {
        return undefined
      }
    },

    async keep(layer, facts) {
      const file = fileOf(layer.diffId)
      if (file === undefined || facts.entries.length > MAX_KEPT_ENTRIES) return
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        const draft = `${file}.${process.pid}`
        await writeFile(draft, encode(layer, facts), { mode: 0o600 })
        await rename(draft, file)
        await removeUnused(folder, maxBytes)
      } catch {
        // The next check only takes longer if the disk is full or the home folder is read-only.
      }
    },
  }
}

function encode({ sizeBytes, digest }: LayerClaim, { unpackedBytes, entries, programs }: LayerFacts): Buffer {
  const rows = entries.map(({ name, typeFlag, mode, uid, linkName }) => [name, typeFlag, mode, uid, linkName])
  return gzipSync(
    JSON.stringify({ sizeBytes, digest, unpackedBytes, entries: rows, programs: [...programs] }),
  )
}

/** @throws Error for damaged bytes */
function decode(bytes: Buffer): LayerFacts & Omit<LayerClaim, 'diffId'> {
  const text = gunzipSync(bytes, { maxOutputLength: MAX_FACTS_BYTES }).toString()
  const { entries, programs, ...rest } = factsSchema.parse(JSON.parse(text))
  return {
    ...rest,
    entries: entries.map(([name, typeFlag, mode, uid, linkName]) => ({
      name,
      typeFlag,
      mode,
      uid,
      linkName,
    })),
    programs: new Map(programs),
  }
}

async function removeUnused(folder: string, maxBytes: number): Promise<void> {
  const paths = (await readdir(folder)).map((name) => join(folder, name))
  const files = await Promise.all(
    paths.map(async (path) => {
      const { size, mtimeMs } = await stat(path)
      return { path, size, mtimeMs }
    }),
  )
  let kept = 0
  for (const { path, size } of files.toSorted((a, b) => b.mtimeMs - a.mtimeMs)) {
    kept += size
    if (kept > maxBytes) await rm(path, { force: true })
  }
}
