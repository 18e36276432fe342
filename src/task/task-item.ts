import { gunzipSync, gzipSync } from 'node:zlib'
import * as z from 'zod'
import type { Item, ItemKey } from '../aws/dynamo-table.ts'
import type { Condition } from '../aws/dynamo-writes.ts'
import { DomainError } from '../contract/errors.ts'
import { summaryOf, type Task, type TaskSummary, taskSchema, taskSummarySchema } from './task.ts'

/*
 * Stores a task as gzip-compressed JSON in one attribute of an item, which may have 400 KB. Descriptors shrink about tenfold.
 */

/** Maximum size of the document. Leaves space for keys and the upload's name in an item of 400 KB. */
const MAX_DOCUMENT_BYTES = 350_000
/** Maximum size of document and summary together. */
const MAX_LISTED_BYTES = 390_000
/** Bounds the memory of decompression. The JSON of a descriptor has at most 350 000 bytes. */
const MAX_JSON_BYTES = 16 * 1024 * 1024

/** Larger summaries are compressed; for small ones decompression would take longer than the transfer. */
const MAX_PLAIN_BYTES = 4096

/** Attribute with a {@link TaskSummary}. */
export const SUMMARY = 'summary'
const storedSummarySchema = z.union([z.string(), z.instanceof(Uint8Array)])

const taskItemSchema = z.object({ document: z.instanceof(Uint8Array) })

/** Attribute of tasks whose removal has begun. */
export const IN_REMOVAL = 'inRemoval'

/** Key of a task's item. */
export function taskKey(taskId: string): ItemKey {
  return { pk: `TASK#${taskId}`, sk: 'TASK' }
}

/** Partition that lists all tasks by creation. */
export const LISTING = 'TASKS'

/** Key of the item that lists a task. */
export function listingKey({ createdAt, id }: Task): ItemKey {
  return { pk: LISTING, sk: `${createdAt}#${id}` }
}

/** Id of a task, from the key of the item that lists it. */
export function listedIdOf({ sk }: ItemKey): string {
  return sk.slice(sk.indexOf('#') + 1)
}

/** Condition: the task exists and is not being removed. */
export const IS_INSTALLED: Condition = {
  condition: 'attribute_exists(#document) AND attribute_not_exists(#inRemoval)',
}

/**
 * Attribute value of a task.
 * @throws DomainError INTERNAL_SCHEMA_VALIDATION_ERROR when the descriptor is too large to be stored.
 */
export function encodeTask(task: Task): Uint8Array {
  const json = JSON.stringify(task)
  // Checked before it is written: a task that cannot be read back would break the listing.
  taskSchema.parse(JSON.parse(json))
  const document = gzipSync(json)
  if (Buffer.byteLength(json) > MAX_JSON_BYTES || document.length > MAX_DOCUMENT_BYTES) {
    const reason = new DomainError('INTERNAL_SCHEMA_VALIDATION_ERROR', undefined, {
      text: `the descriptor is too large: ${document.length} bytes compressed, at most ${MAX_DOCUMENT_BYTES} are stored`,
    })
    throw new DomainError('INTERNAL_SCHEMA_VALIDATION_ERROR', { type: 'batch', errors: [reason.body] })
  }
  return document
}

/** Task of an item. */
export function decodeTask(item: unknown): Task {
  return decodeMeasuredTask(item).task
}

/** Task of an item, and the length of its JSON. */
export function decodeMeasuredTask(item: unknown): { readonly task: Task; readonly bytes: number } {
  const { document } = taskItemSchema.parse(item)
  const json = gunzipSync(document, { maxOutputLength: MAX_JSON_BYTES })
  return { task: taskSchema.parse(JSON.parse(json.toString('utf8'))), bytes: json.length }
}

/**
 * Attributes of the item that lists a task: the summary, so that listings need not decode whole tasks, and the document
 * for earlier versions. The summary is omitted when both do not fit.
 */
export function encodeListed(task: Task, document: Uint8Array): Item {
  const json = JSON.stringify(summaryOf(task))
  const summary = Buffer.byteLength(json) > MAX_PLAIN_BYTES ? gzipSync(json) : json
  return document.length + summary.length <= MAX_LISTED_BYTES
    ? { document, [SUMMARY]: summary }
    : { document }
}

/** Summary of an item of the listing; undefined when the item has only the document. */
export function decodeListed(item: Item): TaskSummary | undefined {
  if (item[SUMMARY] === undefined) return undefined
  const stored = storedSummarySchema.parse(item[SUMMARY])
  const json =
    typeof stored === 'string'
      ? stored
      : gunzipSync(stored, { maxOutputLength: MAX_JSON_BYTES }).toString('utf8')
  return taskSummarySchema.parse(JSON.parse(json))
}
