import * as z from 'zod'
import type { Immutable } from '../../../src/contract/immutable.ts'
import { MAX_PARTS } from '../../../src/contract/upload-limits.ts'
import { UPLOAD_STATES } from '../../../src/upload/upload.ts'
import { layerNameSchema, newUploadSchema, partRangeSchema } from '../routes/upload-bodies.ts'
import { component } from './components.ts'
import { errorShape, instant, uuid } from './shared-schemas.ts'
import { descriptorWarnings, taskDescription } from './task-schemas.ts'

const sizeBytes = z.int().nonnegative()
const partNumber = z.int().min(1).max(MAX_PARTS)

const state = z.enum(UPLOAD_STATES)

const importError = component(
  'ImportError',
  z
    .strictObject({
      ...errorShape,
      status: z.int().describe('HTTP status for calls that wait for the import.'),
    })
    .describe('Why the import failed.'),
)

/** An upload in responses. */
export const upload = component(
  'Upload',
  z.strictObject({
    id: z.string().describe('A UUID, or the name under which a bundle was put into the bucket.'),
    purpose: newUploadSchema.shape.purpose,
    fileName: z.string().nullable(),
    sizeBytes: sizeBytes
      .nullable()
      .describe('The announced size while parts arrive, the measured size afterwards.'),
    state: state.describe(
      'CREATED while parts arrive, and until the import starts. An input file is READY when it is complete.',
    ),
    createdAt: instant,
    partSizeBytes: sizeBytes
      .nullable()
      .describe('Size of all parts but the last; null once the upload is complete.'),
    progress: z
      .strictObject({ layers: sizeBytes, layersDone: sizeBytes, bytes: sizeBytes, bytesDone: sizeBytes })
      .nullable()
      .describe("Progress of the push of the bundle's image."),
    task: taskDescription.nullable().describe('The installed task.'),
    warnings: descriptorWarnings.describe(
      'Keys without effect in the descriptor of the bundle; known when it is READY.',
    ),
    error: importError.nullable(),
    layers: z
      .array(
        layerNameSchema
          .extend({ held: z.boolean().describe('Whether the image archive may lack it.') })
          .strict(),
      )
      .exactOptional()
      .describe('Layers that were named when the upload was created, in the same order.'),
  }),
)
export type Upload = Immutable<z.output<typeof upload>>

export const newUpload = component('NewUpload', newUploadSchema)
export type NewUpload = Immutable<z.input<typeof newUpload>>

/** Body that names an upload instead of containing the value. */
export const uploadReference = component(
  'UploadReference',
  z.object({ uploadId: uuid.describe('A complete upload for this purpose.') }),
)

export const uploadParts = z.strictObject({ parts: z.array(z.strictObject({ partNumber, sizeBytes })) })
export type UploadParts = Immutable<z.output<typeof uploadParts>>

export const partRange = component('PartRange', partRangeSchema)
export type PartRange = Immutable<z.input<typeof partRange>>

export const signedParts = z.strictObject({
  expiresAt: instant,
  parts: z.array(z.strictObject({ partNumber, url: z.string() })),
})
export type SignedParts = Immutable<z.output<typeof signedParts>>
