import * as z from 'zod'
import { errorBodySchema } from '../contract/error-body.ts'
import type { Immutable } from '../contract/immutable.ts'
import { descriptorWarningSchema, taskNameSchema } from '../task/task.ts'

/** VALIDATING and PUSHING are states of an import; READY and FAILED are final. */
export const UPLOAD_STATES = ['CREATED', 'VALIDATING', 'PUSHING', 'READY', 'FAILED'] as const

export const importedLayerSchema = z.object({
  /** Name in the image archive. */
  file: z.string(),
  /** Size in the image archive. */
  fileBytes: z.number(),
  /** `sha256:…` of the uncompressed tar. */
  diffId: z.string(),
  /** Size of the uncompressed tar. */
  contentBytes: z.number(),
  /**
   * The layer's entries at the mount points of a run, by path; `gone` removes those of lower layers. Absent in items of earlier
   * versions.
   */
  mountPoints: z.record(z.string(), z.enum(['link', 'file', 'folder', 'gone'])).exactOptional(),
  /** `sha256:…` of the blob in the registry. */
  digest: z.string(),
  /** Size of the blob in the registry. */
  sizeBytes: z.number(),
  compression: z.enum(['none', 'gzip', 'zstd']),
})
/** A layer of the image archive that is in the registry. */
export type ImportedLayer = Immutable<z.infer<typeof importedLayerSchema>>

const namedLayerSchema = z.object({
  /** `sha256:…` of the file in the image archive. */
  digest: z.string(),
  /** Size of that file in bytes. */
  size: z.number(),
  /** Whether the registry had the layer when the upload was created. */
  held: z.boolean(),
})
/** A layer that a client intends to send, and whether it may be left out. */
export type NamedLayer = Immutable<z.infer<typeof namedLayerSchema>>

export const uploadSchema = z.object({
  id: z.string(),
  /** S3 key, below `uploads/` or, from an app store, below `installs/`. */
  key: z.string(),
  /** S3's sequencer of the write that is imported, when the object was put into the bucket directly. */
  sequencer: z.string().exactOptional(),
  /** Bundles are imported as soon as they are complete; input files wait for a run that uses them. */
  purpose: z.enum(['task', 'input']),
  /** The client's name for the file; for display only. */
  fileName: z.string().exactOptional(),
  /** Size that the client announced; once the upload is complete, the measured size. */
  sizeBytes: z.number().exactOptional(),
  /** S3 multipart upload, and the part size that its client was given; absent once no more parts may arrive. */
  parts: z.object({ multipartId: z.string(), partSizeBytes: z.number() }).exactOptional(),
  state: z.enum(UPLOAD_STATES),
  /** Id of the task that a successful import creates. */
  taskId: z.string(),
  /** Why the import failed, and the HTTP status of that error. */
  error: z.object({ ...errorBodySchema.shape, status: z.number() }).exactOptional(),
  /** Progress of pushing the image's layers. */
  progress: z
    .object({ layers: z.number(), layersDone: z.number(), bytes: z.number(), bytesDone: z.number() })
    .exactOptional(),
  /** ISO-8601 UTC; while it is in the future, one worker holds the upload. */
  leaseUntil: z.string().exactOptional(),
  /** App store URL of the bundle; the importer fetches it first. */
  source: z.string().exactOptional(),
  /** ETag of the object that `name`, `layers` and `warnings` describe; it may be replaced between two attempts. */
  etag: z.string().exactOptional(),
  /** Layers that are in the registry: a repeated import does not push them again. */
  layers: z.array(importedLayerSchema).exactOptional(),
  /** Number of claims since the import last made progress. */
  attempts: z.number().exactOptional(),
  /** ISO-8601 UTC; start of the first of these attempts. */
  triedSince: z.string().exactOptional(),
  /** Name in the bundle's descriptor: a failed import removes its image under this name from the registry. */
  name: taskNameSchema.exactOptional(),
  /** Parts of the bundle's descriptor without effect; set before READY. */
  warnings: z.array(descriptorWarningSchema).exactOptional(),
  /** Layers that the client named before it sent the bundle, in its order. Those that were held may be missing from the image archive. */
  namedLayers: z.array(namedLayerSchema).exactOptional(),
  /** The only task that the bundle may contain; any when absent. */
  expected: taskNameSchema.exactOptional(),
  /** ISO-8601 UTC. */
  createdAt: z.string(),
})
/** A bundle or an input file that a client sends, and the import of the bundle. */
export type Upload = Immutable<z.infer<typeof uploadSchema>>
/** Whether the upload no longer changes. */
export function isEnded({ state }: Pick<Upload, 'state'>): boolean {
  return state === 'READY' || state === 'FAILED'
}
