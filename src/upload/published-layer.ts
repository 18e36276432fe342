import * as z from 'zod'
import type { Immutable } from '../contract/immutable.ts'
import { importedLayerSchema } from './upload.ts'

export const publishedLayerSchema = z.object({
  /** `sha256:…` of the layer's file in an image archive: of the blob, or of the uncompressed tar. */
  digest: z.string(),
  /** Size of that file in bytes. */
  size: z.number(),
  /** Repository with an image that has the layer. */
  repository: z.string(),
  /** Absolute folders whose paths `layer.mountPoints` covers. */
  folders: z.array(z.string()),
  /** The blob in the registry, as measured when it was imported. */
  layer: importedLayerSchema.omit({ file: true, fileBytes: true }).required({ mountPoints: true }),
})
/** A layer of a published task, with the facts from its import. */
export type PublishedLayer = Immutable<z.infer<typeof publishedLayerSchema>>

/** Maximum number of repositories that are checked for one layer; a base image may be in hundreds. */
export const MAX_PLACES = 8

/** Lifetime of the facts about a layer after its last publication. Afterwards the layer must be sent again. */
export const LAYER_KNOWN_SECONDS = 400 * 24 * 3600

/**
 * Stores facts about layers of published tasks, one entry for each digest and repository. An entry describes the layer.
 * The registry may no longer have it: check with the registry before use.
 */
export interface LayerRepository {
  /** Adds entries or renews their lifetime. An entry with another diff id than its predecessor is not written. */
  record(layers: readonly PublishedLayer[]): Promise<void>
  /**
   * Entries for a digest, at most {@link MAX_PLACES}; strongly consistent.
   * @param preferred repository whose entry comes first, if there is one
   */
  find(digest: string, preferred?: string): Promise<readonly PublishedLayer[]>
  /** Removes the entry of a layer that the registry no longer has. */
  forget(layer: Pick<PublishedLayer, 'digest' | 'repository'>): Promise<void>
}
