import type { Context } from 'hono'
import * as z from 'zod'
import type { ObjectStore } from '../../../src/aws/object-store.ts'
import type { PartStore } from '../../../src/aws/part-store.ts'
import { MAX_NAMED_LAYERS, MAX_PARTS, MAX_UPLOAD_BYTES } from '../../../src/contract/upload-limits.ts'
import type { ImageRegistry } from '../../../src/import/registry/image-registry.ts'
import type { Identity } from '../../../src/shared/identity.ts'
import type { TaskRepository } from '../../../src/task/task-repository.ts'
import { abortUpload } from '../../../src/upload/abort-upload.ts'
import { completeUpload } from '../../../src/upload/complete-upload.ts'
import { createUpload } from '../../../src/upload/create-upload.ts'
import { findUpload, taskOfUpload, uploadError } from '../../../src/upload/find-upload.ts'
import { listUploadParts } from '../../../src/upload/list-upload-parts.ts'
import type { LayerRepository } from '../../../src/upload/published-layer.ts'
import { signUploadParts } from '../../../src/upload/sign-upload-parts.ts'
import type { Upload } from '../../../src/upload/upload.ts'
import type { UploadRepository } from '../../../src/upload/upload-repository.ts'
import { readJson } from '../json-body.ts'
import type { Handlers } from '../route-table.ts'
import { viewUpload } from '../views.ts'

/** Ports and settings of these handlers. */
interface Dependencies {
  readonly identity: Identity
  readonly objects: ObjectStore
  readonly parts: PartStore
  readonly tasks: TaskRepository
  readonly layers: LayerRepository
  readonly registry: Pick<ImageRegistry, 'hasBlob'>
  readonly uploads: UploadRepository
}

/** Maximum number of URLs in one response: 100 take about 200 KB. */
const MAX_SIGNED_PARTS = 100

const SIZE_WORDS = `it must be a whole number of bytes from 1 to ${MAX_UPLOAD_BYTES}`
const DIGEST_WORDS = 'it must be "sha256:" and 64 lower-case hexadecimal digits'
const LAYER_SIZE_WORDS = 'it must be a whole number of bytes, at least 0'
const NUMBER_WORDS = `it must be the number of a part, from 1 to ${MAX_PARTS}`

export const layerNameSchema = z.object({
  digest: z
    .string({ error: DIGEST_WORDS })
    .regex(/^sha256:[0-9a-f]{64}$/u, { error: DIGEST_WORDS })
    .describe('Digest of the layer file in the image archive, compressed or not.'),
  size: z
    .int({ error: LAYER_SIZE_WORDS })
    .nonnegative({ error: LAYER_SIZE_WORDS })
    .describe('Size of the layer file.'),
})

/** Zod reports every invalid element, so a list that is too long is cut first. */
const namedLayersSchema = z.preprocess(
  (value) => (Array.isArray(value) ? value.slice(0, MAX_NAMED_LAYERS + 1) : value),
  z.array(layerNameSchema).max(MAX_NAMED_LAYERS, {
    error: `at most ${MAX_NAMED_LAYERS} layers can be named, because no image has more`,
  }),
)

/** Unknown keys are ignored. */
export const newUploadSchema = z.object({
  purpose: z
    .enum(['task', 'input'], { error: 'it must be "task" or "input"' })
    .describe('`task`: a bundle, imported when it is complete. `input`: for an input of a run.'),
  fileName: z.string().max(1024).nullish().describe('Only shown.'),
  sizeBytes: z
    .int({ error: SIZE_WORDS })
    .min(1, { error: SIZE_WORDS })
    .max(MAX_UPLOAD_BYTES, { error: SIZE_WORDS })
    .nullish()
    .describe('Optional; verified when the upload is completed.'),
  contentType: z
    .string()
    .regex(/^[\x20-\x7e]{1,255}$/u, { error: 'it must be a media type' })
    .nullish(),
  layers: namedLayersSchema
    .nullish()
    .describe(
      'Layers of the image in the bundle. The response states which of them the registry holds: those may be missing from the image archive.',
    ),
})

const partNumber = z
  .int({ error: NUMBER_WORDS })
  .min(1, { error: NUMBER_WORDS })
  .max(MAX_PARTS, { error: NUMBER_WORDS })

export const partRangeSchema = z
  .object({ first: partNumber, last: partNumber })
  .refine(({ first, last }) => first <= last, { path: ['last'], error: 'it must not be less than first' })
  .refine(({ first, last }) => last - first < MAX_SIGNED_PARTS, {
    path: ['last'],
    error: `one call signs at most ${MAX_SIGNED_PARTS} parts`,
  })

/** Files that are too large for a body are sent in parts, by presigned URLs. */
export function uploadHandlers(deps: Dependencies) {
  const answerUpload = async (context: Context, upload: Upload): Promise<Response> =>
    context.json(viewUpload(upload, await taskOfUpload(deps, upload)))

  return {
    async createUpload(context) {
      const { purpose, ...described } = await readBody(context, newUploadSchema)
      if (purpose === 'input' && described.layers != null) {
        throw uploadError('UPLOAD_INVALID', 'layers', 'only an upload with purpose "task" has layers')
      }
      return answerUpload(context, await createUpload(deps, { purpose, ...withoutNulls(described) }))
    },

    getUpload: async (context) => answerUpload(context, await findUpload(deps, context.req.param('id'))),

    async abortUpload(context) {
      await abortUpload(deps, context.req.param('id'))
      return context.body(null, 200)
    },

    async listUploadParts(context) {
      const parts = await listUploadParts(deps, context.req.param('id'))
      return context.json({ parts: parts.map(({ partNumber, sizeBytes }) => ({ partNumber, sizeBytes })) })
    },

    async signUploadParts(context) {
      const range = await readBody(context, partRangeSchema)
      return context.json(await signUploadParts(deps, context.req.param('id'), range))
    },

    completeUpload: async (context) =>
      answerUpload(context, await completeUpload(deps, context.req.param('id'))),
  } satisfies Partial<Handlers>
}

function withoutNulls<Fields extends object>(
  fields: Fields,
): { readonly [Key in keyof Fields]?: NonNullable<Fields[Key]> } {
  const given = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)
  return Object.fromEntries(given) as ReturnType<typeof withoutNulls<Fields>>
}

async function readBody<Schema extends z.ZodType>(
  context: Context,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const parsed = schema.safeParse(await readJson(context, 'UPLOAD_INVALID'))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw uploadError('UPLOAD_INVALID', issue?.path.join('.') || 'body', issue?.message ?? '')
}
