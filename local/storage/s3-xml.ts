import { XMLParser } from 'fast-xml-parser'
import * as z from 'zod'
import type { NamedPart, PendingUpload, StoredPart } from './multipart.ts'
import { StorageError } from './storage-error.ts'

/** Content of an API document: text, or elements by name; a list repeats its element, undefined leaves it out. */
export type XmlContent =
  | string
  | number
  | boolean
  | { readonly [name: string]: XmlContent | readonly XmlContent[] | undefined }

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'
/** Entities are not expanded: the documents need none, and a client could nest them. */
const parser = new XMLParser({
  parseTagValue: false,
  ignoreAttributes: true,
  processEntities: true,
  isArray: isList,
})

const completionSchema = z.object({
  CompleteMultipartUpload: z.object({
    Part: z
      .array(
        z.object({
          PartNumber: z.coerce.number().int(),
          ETag: z.string(),
          ChecksumSHA256: z.string().optional(),
        }),
      )
      .min(1),
  }),
})
const deletionSchema = z.object({
  Delete: z.object({
    Object: z.array(z.object({ Key: z.string() })).min(1),
    Quiet: z.string().optional(),
  }),
})

/** Writes one element with its XML declaration. */
export function writeXml(name: string, content: XmlContent): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="${NAMESPACE}">${contentOf(content)}</${name}>`
}

/** @throws StorageError MalformedXML */
export function readCompletion(text: string): NamedPart[] {
  const parts = read(completionSchema, text).CompleteMultipartUpload.Part
  return parts.map(({ PartNumber, ETag, ChecksumSHA256 }) => ({
    number: PartNumber,
    etag: ETag,
    checksum: ChecksumSHA256,
  }))
}

/** @throws StorageError MalformedXML */
export function readDeletion(text: string): { readonly keys: readonly string[]; readonly isQuiet: boolean } {
  const { Object: objects, Quiet } = read(deletionSchema, text).Delete
  return { keys: objects.map(({ Key }) => Key), isQuiet: Quiet === 'true' }
}

/** Elements of a listed part. */
export function partXml({ number, sizeBytes, etag, modifiedMs }: StoredPart): XmlContent {
  return { PartNumber: number, LastModified: new Date(modifiedMs).toISOString(), ETag: etag, Size: sizeBytes }
}

/** Elements of a listed upload. */
export function uploadXml({ key, id, initiatedMs }: PendingUpload): XmlContent {
  return { Key: key, UploadId: id, Initiated: new Date(initiatedMs).toISOString() }
}

function contentOf(content: XmlContent): string {
  if (typeof content !== 'object') return escapeText(String(content))
  const elements = Object.entries(content).flatMap(([name, inner = []]) =>
    [inner].flat().map((one) => `<${name}>${contentOf(one)}</${name}>`),
  )
  return elements.join('')
}

/** Escapes text for XML. Characters that XML cannot represent are written unchanged, as S3 does. */
function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;')
}

function isList(name: string): boolean {
  return name === 'Part' || name === 'Object'
}

function read<Schema extends z.ZodType>(schema: Schema, text: string): z.infer<Schema> {
  try {
    return schema.parse(parser.parse(text))
  } catch {
    throw new StorageError(400, 'MalformedXML', 'The XML is not of the expected form.')
  }
}
