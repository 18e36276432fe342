import type { Readable } from 'node:stream'
import type { Catalogue } from './catalogue.ts'
import type { DataFiles } from './data-files.ts'
import type { Multipart } from './multipart.ts'
import type { Objects } from './objects.ts'
import { writeXml, type XmlContent } from './s3-xml.ts'
import { StorageError } from './storage-error.ts'

/** Dependencies of the operations. */
export interface S3State {
  readonly catalogue: Catalogue
  readonly files: DataFiles
  readonly objects: Objects
  readonly multipart: Multipart
  readonly nowMs: () => number
  /** Called after an event was recorded. */
  readonly onEvent: () => void
  readonly origin: { readonly account: string; readonly region: string }
}

/** A response before it is written. */
export interface S3Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Readable
}

/** S3's maximum number of entries of a listing. */
const MAX_PAGE = 1000

/** Answers with an XML document. */
export const xml = (name: string, content: XmlContent): S3Answer => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: writeXml(name, content),
})

/** Error for an operation that this server does not implement. */
export function notImplemented(what: string): StorageError {
  return new StorageError(501, 'NotImplemented', `The local object store does not implement ${what}.`)
}

/** Number of requested entries of a listing, limited to S3's maximum. */
export function pageSize(query: URLSearchParams, name: string): number {
  const asked = Number(query.get(name) ?? MAX_PAGE)
  return Math.max(0, Math.min(Number.isInteger(asked) ? asked : MAX_PAGE, MAX_PAGE))
}
