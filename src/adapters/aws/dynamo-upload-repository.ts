import * as z from 'zod'
import type { ErrorBody } from '../../domain/errors.ts'
import { UPLOAD_KNOWN_SECONDS } from '../../domain/upload-limits.ts'
import type { Upload, UploadRepository } from '../../ports.ts'
import { TABLE } from '../../runtime/environment.ts'
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

/** DynamoDB takes days to remove what has expired. */
const EXPIRES_AT = TABLE.timeToLive
const expirySchema = z.object({ [EXPIRES_AT]: z.number().catch(0) })
const secondsOf = (date: Date): number => Math.floor(date.getTime() / 1000)

const NAMES = { '#state': 'state', '#expiresAt': EXPIRES_AT } as const
const IS_THERE = '#expiresAt > :seconds'
/** An upload exists and its import has not ended. */
const IS_OPEN = `${IS_THERE} AND NOT #state IN (:ready, :failed)`

/** Uploads in the table, one item each. */
export function createDynamoUploadRepository(options: DynamoOptions): UploadRepository {
  const { identity } = options
  const table = createDynamoTable(options)
  const writes = createDynamoWrites(options)
  const decode = (item: Item): Upload => uploadSchema.parse(item)
  const isThere = (item: Item | undefined): item is Item =>
    item !== undefined && expirySchema.parse(item)[EXPIRES_AT] > secondsOf(identity.now())
  const ofNow = () => ({ ':seconds': secondsOf(identity.now()) })
  const ofOpen = () => ({ ...ofNow(), ':ready': 'READY', ':failed': 'FAILED' })

  return {
    async create(upload) {
      const expiresAt = secondsOf(identity.now()) + UPLOAD_KNOWN_SECONDS
      const item = { ...uploadKey(upload.id), ...upload, [EXPIRES_AT]: expiresAt }
      const isNew = {
        condition: `${IS_NEW.condition} OR NOT ${IS_THERE}`,
        names: { ...IS_NEW.names, '#expiresAt': EXPIRES_AT },
        values: ofNow(),
      }
      const isCreated = await writes.transact([{ put: item, if: isNew }])
      if (!isCreated) throw new Error('an upload with this id exists')
    },

    async find(uploadId) {
      const item = await table.get(uploadKey(uploadId))
      return isThere(item) ? decode(item) : undefined
    },

    async closeParts(uploadId, change) {
      const { isChanged, item } = await writes.update(uploadKey(uploadId), {
        set: Object.entries(change).map(([name, value]) => [[name], value]),
        remove: ['parts'],
        condition: IS_THERE,
        names: { '#expiresAt': EXPIRES_AT },
        values: ofNow(),
      })
      return isChanged ? decode(item) : undefined
    },

    async remove(uploadId) {
      const condition = {
        condition: [
          'attribute_not_exists(#state)',
          `NOT ${IS_THERE}`,
          '#state IN (:ready, :failed)',
          '(#state = :created AND (attribute_not_exists(#leaseUntil) OR #leaseUntil <= :now))',
        ].join(' OR '),
        names: { ...NAMES, '#leaseUntil': 'leaseUntil' },
        values: { ...ofOpen(), ':created': 'CREATED', ':now': identity.now().toISOString() },
      }
      return await writes.transact([{ remove: uploadKey(uploadId), if: condition }])
    },

    async claim(uploadId, leaseSeconds) {
      const now = identity.now()
      const { isChanged, item } = await writes.update(uploadKey(uploadId), {
        set: [[['leaseUntil'], new Date(now.getTime() + leaseSeconds * 1000).toISOString()]],
        condition: `${IS_OPEN} AND (attribute_not_exists(#leaseUntil) OR #leaseUntil <= :now)`,
        names: { ...NAMES, '#leaseUntil': 'leaseUntil' },
        values: { ...ofOpen(), ':now': now.toISOString() },
      })
      return isChanged ? decode(item) : undefined
    },

    async extendLease(uploadId, leaseUntil, leaseSeconds) {
      const extended = new Date(identity.now().getTime() + leaseSeconds * 1000).toISOString()
      const { isChanged } = await writes.update(uploadKey(uploadId), {
        set: [[['leaseUntil'], extended]],
        condition: `${IS_OPEN} AND #leaseUntil = :held`,
        names: { ...NAMES, '#leaseUntil': 'leaseUntil' },
        values: { ...ofOpen(), ':held': leaseUntil },
      })
      return isChanged ? extended : undefined
    },

    async update(uploadId, change) {
      const { isChanged, item } = await writes.update(uploadKey(uploadId), {
        set: Object.entries(change).map(([name, value]) => [[name], value]),
        condition: IS_OPEN,
        names: NAMES,
        values: ofOpen(),
      })
      if (!isChanged && !isThere(item)) throw new Error('the upload does not exist')
    },
  }
}
