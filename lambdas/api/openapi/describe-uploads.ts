import * as z from 'zod'
import { MAX_PARTS } from '../../../src/contract/upload-limits.ts'
import { UPLOAD_STATES } from '../../../src/upload/upload.ts'
import { layerNameSchema, newUploadSchema, partRangeSchema } from '../routes/uploads.ts'
import { component } from './components.ts'
import { answersJson, answersNothing, body, type Descriptions, JSON_TYPE, refuses } from './description.ts'
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
      .optional()
      .describe('Layers that were named when the upload was created, in the same order.'),
  }),
)

/** Body that names an upload instead of holding the value. */
export const uploadReference = component(
  'UploadReference',
  z.object({ uploadId: uuid.describe('A complete upload for this purpose.') }),
)

const uploadKnown = refuses({ 404: 'No such upload, or the id is not a UUID.' })
const IMPORTED = 'The upload is being imported.'

/** An extension of the contract: files of any size, in parts. */
export const UPLOAD_DESCRIPTIONS = {
  createUpload: {
    summary: 'Creates the upload of a bundle or of an input file',
    description:
      'Its parts are sent to presigned URLs, in parallel and in any order. The response lists the parts that have arrived, so that an ' +
      'interrupted client can resume. Unfinished uploads keep their parts for one day; complete uploads are kept for seven. ' +
      'A client may name the layers of the image first: a bundle may lack those that the registry holds. If such a layer is removed ' +
      'before the import, that fails with `APPE-upload-layer-gone`; create a new upload then.',
    requestBody: body({ [JSON_TYPE]: component('NewUpload', newUploadSchema) }),
    responses: {
      ...answersJson(upload, 'The new upload.'),
      ...refuses({ 400: 'A field is missing or invalid.' }),
    },
  },
  getUpload: {
    summary: 'Returns an upload and the progress of its import',
    responses: { ...answersJson(upload, 'The upload.'), ...uploadKnown },
  },
  abortUpload: {
    summary: 'Removes an upload with its parts',
    responses: {
      ...answersNothing('The upload does not exist, or was deleted.'),
      ...refuses({ 409: IMPORTED }),
    },
  },
  listUploadParts: {
    summary: 'Lists the parts that have arrived',
    responses: {
      ...answersJson(
        z.strictObject({ parts: z.array(z.strictObject({ partNumber, sizeBytes })) }),
        'By ascending number; empty when the upload is complete.',
      ),
      ...uploadKnown,
    },
  },
  signUploadParts: {
    summary: 'Signs URLs for parts',
    description: 'Each accepts a PUT with the bytes of its part. Request new ones when they expire.',
    requestBody: body({ [JSON_TYPE]: component('PartRange', partRangeSchema) }),
    responses: {
      ...answersJson(
        z.strictObject({
          expiresAt: instant,
          parts: z.array(z.strictObject({ partNumber, url: z.string() })),
        }),
        'One URL for each part of the range.',
      ),
      ...refuses({ 400: 'The range is invalid, or too long.', 409: 'The upload is complete.' }),
      ...uploadKnown,
    },
  },
  completeUpload: {
    summary: 'Completes an upload from its parts',
    description: 'Starts the import of a bundle. The body is ignored. A repeated call returns the upload.',
    responses: {
      ...answersJson(upload, 'The complete upload.'),
      ...refuses({
        400: 'Parts are missing, too small, or have another total size than announced.',
        409: 'The parts have expired: create a new upload.',
      }),
      ...uploadKnown,
    },
  },
} satisfies Partial<Descriptions>
