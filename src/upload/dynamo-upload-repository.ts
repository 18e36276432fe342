import * as z from 'zod'
import {
  createDynamoTable,
  type DynamoOptions,
  type DynamoTable,
  type Item,
  type ItemKey,
  UNFINISHED_IMPORTS,
} from '../aws/dynamo-table.ts'
import { createDynamoWrites, type DynamoWrites, IS_NEW } from '../aws/dynamo-writes.ts'
import { TABLE } from '../contract/environment.ts'
import { UPLOAD_KNOWN_SECONDS } from '../contract/upload-limits.ts'
import type { Identity } from '../shared/identity.ts'
import { isEnded, type Upload, uploadSchema } from './upload.ts'
import type { UploadRepository } from './upload-repository.ts'

const KEY_PREFIX = 'UPLOAD#'
const uploadKey = (uploadId: string): ItemKey => ({ pk: `${KEY_PREFIX}${uploadId}`, sk: 'UPLOAD' })

const { partitionKey: INDEX_PARTITION, sortKey: INDEX_TIME } = TABLE.unfinishedIndex

/** Time that each method compares, because DynamoDB takes days to remove an expired item. */
const EXPIRES_AT = TABLE.timeToLive
const expirySchema = z.object({ [EXPIRES_AT]: z.number().catch(0) })
const secondsOf = (date: Date): number => Math.floor(date.getTime() / 1000)

const IS_KNOWN = `#${EXPIRES_AT} > :seconds`
/** The upload is known and its import has not ended. */
const IS_OPEN = `${IS_KNOWN} AND NOT #state IN (:ready, :failed)`

/** No worker imports the upload, or it does not exist. */
const IS_REMOVABLE = [
  'attribute_not_exists(#state)',
  `NOT ${IS_KNOWN}`,
  '#state IN (:ready, :failed)',
  '(#state = :created AND (attribute_not_exists(#leaseUntil) OR #leaseUntil <= :now))',
].join(' OR ')

/** Puts the upload into the unfinished index, where it stays from its completion to the end of its import. */
const indexedAt = (time: string) => ({ [INDEX_PARTITION]: UNFINISHED_IMPORTS, [INDEX_TIME]: time })

const decode = (item: Item): Upload => uploadSchema.parse(item)

/** Times of this moment, as items and conditions name them. */
function createTimes(identity: Identity) {
  const seconds = (): number => secondsOf(identity.now())
  const ofNow = () => ({ ':seconds': seconds() })
  return {
    seconds,
    isKnown: (item: Item | undefined): item is Item =>
      item !== undefined && expirySchema.parse(item)[EXPIRES_AT] > seconds(),
    /** Values of {@link IS_KNOWN}. */
    ofNow,
    /** Values of {@link IS_OPEN}. */
    ofOpen: () => ({ ...ofNow(), ':ready': 'READY', ':failed': 'FAILED' }),
    /** The time in some seconds. */
    instant: (after: number): string => new Date(identity.now().getTime() + after * 1000).toISOString(),
  }
}

type Times = ReturnType<typeof createTimes>

/** Uploads in the table, each in one item. */
export function createDynamoUploadRepository(options: DynamoOptions): UploadRepository {
  const table = createDynamoTable(options)
  const writes = createDynamoWrites(options)
  const times = createTimes(options.identity)
  return {
    ...createUploads(table, writes, times),
    ...createLeases(writes, times),
    ...createStalledImports(table, writes, times),
  }
}

function createUploads(
  table: DynamoTable,
  writes: DynamoWrites,
  { seconds, isKnown, ofNow, ofOpen, instant }: Times,
): Pick<UploadRepository, 'create' | 'find' | 'closeParts' | 'remove' | 'update'> {
  return {
    async create(upload) {
      const expiresAt = seconds() + UPLOAD_KNOWN_SECONDS
      const isComplete = upload.purpose === 'task' && upload.parts === undefined && !isEnded(upload)
      const item = {
        ...uploadKey(upload.id),
        ...upload,
        ...(isComplete && indexedAt(instant(0))),
        [EXPIRES_AT]: expiresAt,
      }
      const isNew = { condition: `${IS_NEW.condition} OR NOT ${IS_KNOWN}`, values: ofNow() }
      const isCreated = await writes.transact([{ put: item, if: isNew }])
      if (!isCreated) throw new Error('an upload with this id exists')
    },

    async find(uploadId) {
      const item = await table.get(uploadKey(uploadId))
      return isKnown(item) ? decode(item) : undefined
    },

    async closeParts(uploadId, change) {
      const importable = await writes.update(uploadKey(uploadId), {
        set: { ...change, ...indexedAt(instant(0)) },
        remove: ['parts'],
        condition: `${IS_KNOWN} AND #state = :created AND #purpose = :task AND attribute_not_exists(#${INDEX_TIME})`,
        values: { ...ofNow(), ':created': 'CREATED', ':task': 'task' },
      })
      if (importable.isChanged) return decode(importable.item)
      const { isChanged, item } = await writes.update(uploadKey(uploadId), {
        set: change,
        remove: ['parts'],
        condition: IS_KNOWN,
        values: ofNow(),
      })
      return isChanged ? decode(item) : undefined
    },

    async remove(uploadId) {
      const values = { ...ofOpen(), ':created': 'CREATED', ':now': instant(0) }
      return await writes.transact([{ remove: uploadKey(uploadId), if: { condition: IS_REMOVABLE, values } }])
    },

    async update(uploadId, change) {
      const { isChanged, item } = await writes.update(uploadKey(uploadId), {
        set: change,
        ...(isEnded(change) && { remove: [INDEX_PARTITION, INDEX_TIME] }),
        condition: IS_OPEN,
        values: ofOpen(),
      })
      if (!isChanged && !isKnown(item)) throw new Error('the upload does not exist')
    },
  }
}

/** Leases of uploads by workers. */
function createLeases(
  writes: DynamoWrites,
  { ofOpen, instant }: Times,
): Pick<UploadRepository, 'claim' | 'extendLease' | 'endLease'> {
  /** Condition: the lease ends at exactly this time. */
  const isHeldUntil = (leaseUntil: string) => ({
    condition: `${IS_OPEN} AND #leaseUntil = :held`,
    values: { ...ofOpen(), ':held': leaseUntil },
  })

  return {
    async claim(uploadId, leaseSeconds) {
      const leaseUntil = instant(leaseSeconds)
      const { isChanged, item } = await writes.update(uploadKey(uploadId), {
        set: { leaseUntil, ...indexedAt(leaseUntil) },
        add: { attempts: 1 },
        condition: `${IS_OPEN} AND (attribute_not_exists(#leaseUntil) OR #leaseUntil <= :now)`,
        values: { ...ofOpen(), ':now': instant(0) },
      })
      return isChanged ? decode(item) : undefined
    },

    async extendLease(uploadId, leaseUntil, leaseSeconds) {
      const extended = instant(leaseSeconds)
      const { isChanged } = await writes.update(uploadKey(uploadId), {
        set: { leaseUntil: extended, ...indexedAt(extended) },
        ...isHeldUntil(leaseUntil),
      })
      return isChanged ? extended : undefined
    },

    async endLease(uploadId, leaseUntil, hasAdvanced) {
      const now = instant(0)
      const { isChanged } = await writes.update(uploadKey(uploadId), {
        set: { leaseUntil: now, ...indexedAt(now), ...(hasAdvanced && { attempts: 0 }) },
        ...isHeldUntil(leaseUntil),
      })
      return isChanged
    },
  }
}

/** Imports whose lease has ended. */
function createStalledImports(
  table: DynamoTable,
  writes: DynamoWrites,
  { ofOpen, instant }: Times,
): Pick<UploadRepository, 'listStalled' | 'postpone'> {
  return {
    async listStalled(until, limit) {
      const places = await table.listUnfinished(UNFINISHED_IMPORTS, limit, { until })
      return places.map(({ key }) => key.pk.slice(KEY_PREFIX.length))
    },

    async postpone(uploadId, seconds) {
      const { isChanged } = await writes.update(uploadKey(uploadId), {
        set: { [INDEX_TIME]: instant(seconds) },
        condition: `${IS_OPEN} AND #${INDEX_TIME} <= :now`,
        values: { ...ofOpen(), ':now': instant(0) },
      })
      return isChanged
    },
  }
}
