import * as z from 'zod'
import type { ErrorBody } from '../../domain/errors.ts'
import type { Upload, UploadRepository } from '../../ports.ts'
import { createDynamoTable, type DynamoOptions, type Item, type ItemKey } from './dynamo-table.ts'
import { createDynamoWrites, IS_NEW } from './dynamo-writes.ts'
import type { StoredShape } from './stored-shape.ts'

const errorBody = {
  errorCode: z.string(),
  message: z.string(),
  details: z.discriminatedUnion('type', [
    z.object({ type: z.literal('empty') }),
    z.object({ type: z.literal('parameter'), parameterName: z.string() }),
    z.object({ type: z.literal('related'), parameterName: z.string(), description: z.string() }),
    z.object({
      type: z.literal('batch'),
      errors: z.array(z.lazy((): z.ZodType<ErrorBody> => z.object(errorBody))),
    }),
    z.object({ type: z.literal('server'), exceptionMessage: z.string().nullable() }),
  ]),
}

const uploadSchema: z.ZodType<Upload> = z.object({
  id: z.string(),
  key: z.string(),
  purpose: z.enum(['task', 'input']),
  fileName: z.string().exactOptional(),
  sizeBytes: z.number().exactOptional(),
  parts: z.object({ multipartId: z.string(), partSizeBytes: z.number() }).exactOptional(),
  state: z.enum(['CREATED', 'VALIDATING', 'PUSHING', 'READY', 'FAILED']),
  taskId: z.string(),
  error: z.object({ ...errorBody, status: z.number() }).exactOptional(),
  progress: z
    .object({ layers: z.number(), layersDone: z.number(), bytes: z.number(), bytesDone: z.number() })
    .exactOptional(),
  leaseUntil: z.string().exactOptional(),
  source: z.string().exactOptional(),
  layers: z
    .array(
      z.object({
        file: z.string(),
        fileBytes: z.number(),
        diffId: z.string(),
        contentBytes: z.number(),
        digest: z.string(),
        sizeBytes: z.number(),
        compression: z.enum(['none', 'gzip', 'zstd']),
      }),
    )
    .exactOptional(),
  jobDefinitionArn: z.string().exactOptional(),
  expected: z.object({ namespace: z.string(), version: z.string() }).exactOptional(),
  createdAt: z.string(),
} satisfies StoredShape<Upload>)

const uploadKey = (uploadId: string): ItemKey => ({ pk: `UPLOAD#${uploadId}`, sk: 'UPLOAD' })

/** An upload exists and its import has not ended. */
const IS_OPEN = {
  condition: 'attribute_exists(#state) AND NOT #state IN (:ready, :failed)',
  names: { '#state': 'state' },
  values: { ':ready': 'READY', ':failed': 'FAILED' },
} as const

/** Uploads in the table, one item each. */
export function createDynamoUploadRepository(options: DynamoOptions): UploadRepository {
  const { identity } = options
  const table = createDynamoTable(options)
  const writes = createDynamoWrites(options)
  const decode = (item: Item): Upload => uploadSchema.parse(item)

  return {
    async create(upload) {
      const isCreated = await writes.transact([{ put: { ...uploadKey(upload.id), ...upload }, if: IS_NEW }])
      if (!isCreated) throw new Error('an upload with this id exists')
    },

    async find(uploadId) {
      const item = await table.get(uploadKey(uploadId))
      return item === undefined ? undefined : decode(item)
    },

    async closeParts(uploadId, change) {
      const { isChanged, item } = await writes.update(uploadKey(uploadId), {
        set: Object.entries(change).map(([name, value]) => [[name], value]),
        remove: ['parts'],
        condition: 'attribute_exists(#state)',
        names: { '#state': 'state' },
      })
      return isChanged ? decode(item) : undefined
    },

    async remove(uploadId) {
      const condition = {
        condition: [
          'attribute_not_exists(#state)',
          '#state IN (:ready, :failed)',
          '(#state = :created AND (attribute_not_exists(#leaseUntil) OR #leaseUntil <= :now))',
        ].join(' OR '),
        names: { ...IS_OPEN.names, '#leaseUntil': 'leaseUntil' },
        values: { ...IS_OPEN.values, ':created': 'CREATED', ':now': identity.now().toISOString() },
      }
      return await writes.transact([{ remove: uploadKey(uploadId), if: condition }])
    },

    async claim(uploadId, leaseSeconds) {
      const now = identity.now()
      const { isChanged, item } = await writes.update(uploadKey(uploadId), {
        set: [[['leaseUntil'], new Date(now.getTime() + leaseSeconds * 1000).toISOString()]],
        condition: `${IS_OPEN.condition} AND (attribute_not_exists(#leaseUntil) OR #leaseUntil <= :now)`,
        names: { ...IS_OPEN.names, '#leaseUntil': 'leaseUntil' },
        values: { ...IS_OPEN.values, ':now': now.toISOString() },
      })
      return isChanged ? decode(item) : undefined
    },

    async extendLease(uploadId, leaseUntil, leaseSeconds) {
      const extended = new Date(identity.now().getTime() + leaseSeconds * 1000).toISOString()
      const { isChanged } = await writes.update(uploadKey(uploadId), {
        set: [[['leaseUntil'], extended]],
        condition: `${IS_OPEN.condition} AND #leaseUntil = :held`,
        names: { ...IS_OPEN.names, '#leaseUntil': 'leaseUntil' },
        values: { ...IS_OPEN.values, ':held': leaseUntil },
      })
      return isChanged ? extended : undefined
    },

    async update(uploadId, change) {
      const { isChanged, item } = await writes.update(uploadKey(uploadId), {
        set: Object.entries(change).map(([name, value]) => [[name], value]),
        ...IS_OPEN,
      })
      if (!isChanged && item === undefined) throw new Error('the upload does not exist')
    },
  }
}
