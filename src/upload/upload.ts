import type { ErrorBody } from '../contract/errors.ts'
import type { DescriptorWarning } from '../task/descriptor/descriptor-warnings.ts'
import type { TaskName } from '../task/task.ts'

export type UploadState = 'CREATED' | 'VALIDATING' | 'PUSHING' | 'READY' | 'FAILED'

/** A bundle or an input file on its way in, and how the bundle's import goes. */
export interface Upload {
  readonly id: string
  /** Bucket key under `uploads/`. */
  readonly key: string
  /** Which write of the object its import is for, in S3's words, when no call of ours announced it. */
  readonly sequencer?: string
  /** A bundle is imported as soon as it is whole; an input file waits for a run that takes it. */
  readonly purpose: 'task' | 'input'
  /** As its client calls it; only shown. */
  readonly fileName?: string
  /** As announced while parts arrive, then as it is. */
  readonly sizeBytes?: number
  /** While parts may arrive: their S3 upload, and how large its client was told to make them. */
  readonly parts?: { readonly multipartId: string; readonly partSizeBytes: number }
  readonly state: UploadState
  /** Id of the task that a successful import makes. */
  readonly taskId: string
  /** Why the import was refused: the contract's error. */
  readonly error?: ErrorBody & { readonly status: number }
  readonly progress?: {
    readonly layers: number
    readonly layersDone: number
    readonly bytes: number
    readonly bytesDone: number
  }
  /** ISO-8601 UTC. While it lies in the future, one worker is at it. */
  readonly leaseUntil?: string
  /** Workers that have taken it up since it last got on. */
  readonly attempts?: number
  /** ISO-8601 UTC, when the first of them began. */
  readonly triedSince?: string
  /** What the bundle's descriptor calls the task: under this name something may lie that an import which is given up takes back. */
  readonly name?: TaskName
  /** Where the importer has to get the bundle from before anything else, when it comes from an app store. */
  readonly source?: string
  /** Of the object that `name`, `layers` and `warnings` come from; another one may take its place between two workers. */
  readonly etag?: string
  /** What the registry has of the image already: a repeated import does not send it again. */
  readonly layers?: readonly ImportedLayer[]
  /** What of the bundle's descriptor has no effect; known before the upload is READY. */
  readonly warnings?: readonly DescriptorWarning[]
  /** The only task that the bundle may hold; any when absent. */
  readonly expected?: TaskName
  readonly createdAt: string
}

/** A file of an image archive that the registry has as a layer. */
export interface ImportedLayer {
  /** Its name and size in the archive. */
  readonly file: string
  readonly fileBytes: number
  /** `sha256:…` of its uncompressed tar, and the size of that. */
  readonly diffId: string
  readonly contentBytes: number
  /** What it has where the folders of a run are mounted, by path; absent in what versions before this one kept. */
  readonly mountPoints?: Readonly<Record<string, 'link' | 'file' | 'folder' | 'gone'>>
  /** As it lies in the registry. */
  readonly digest: string
  readonly sizeBytes: number
  readonly compression: 'none' | 'gzip' | 'zstd'
}
