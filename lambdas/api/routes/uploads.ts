import type { Context } from 'hono'
import type * as z from 'zod'
import type { ObjectStore } from '../../../src/aws/object-store.ts'
import type { PartStore } from '../../../src/aws/part-store.ts'
import type { JsonValue } from '../../../src/contract/json.ts'
import type { ImageRegistry } from '../../../src/import/registry/image-registry.ts'
import type { Identity } from '../../../src/shared/identity.ts'
import { shown } from '../../../src/task/parameters/shown.ts'
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
import { newUploadSchema, partRangeSchema } from './upload-bodies.ts'

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
  const body = await readJson(context, 'UPLOAD_INVALID')
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const [{ path, message } = { path: [], message: '' }] = parsed.error.issues
  const value = valueAt(body, path)
  const words = value === undefined ? message : `${shown(value)} is not accepted: ${message}`
  throw uploadError('UPLOAD_INVALID', path.join('.') || 'body', words)
}

/** Value at the path of a problem, whose keys are those of the schema. */
function valueAt(body: JsonValue, path: readonly PropertyKey[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? (Reflect.get(value, key) as JsonValue | undefined)
        : undefined,
    body,
  )
}
