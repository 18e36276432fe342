import type { ObjectStore } from '../aws/object-store.ts'
import { DomainError } from '../contract/errors.ts'
import { type JsonValue, LoneSurrogateError, parseJson } from '../contract/json.ts'
import type { ByteSource } from '../shared/byte-source.ts'
import { uploadError } from './find-upload.ts'
import { sentUpload } from './sent-file.ts'
import type { Upload } from './upload.ts'

/**
 * Maximum size of the document, which limits memory: its bytes, text and parsed value are in memory one after the
 * other.
 */
const MAX_JSON_BYTES = 128 * 1024 * 1024

/**
 * Reads an upload as JSON: it replaces the body of the call.
 * @param field of the request that names the upload
 * @throws DomainError UPLOAD_NOT_FOUND, UPLOAD_INVALID when it is too large, INTERNAL_JSON_PROCESSING_ERROR
 */
export async function readUploadedJson(
  objects: ObjectStore,
  upload: Upload,
  field: string,
): Promise<JsonValue> {
  const { source } = await sentUpload(objects, upload, field)
  if (source.sizeBytes > MAX_JSON_BYTES) {
    const words = `the JSON document has ${source.sizeBytes} bytes; expected at most ${MAX_JSON_BYTES}`
    throw uploadError('UPLOAD_INVALID', field, words)
  }
  return parse(decode(await readBytes(source)))
}

async function readBytes(source: ByteSource): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(source.sizeBytes)
  if (bytes.length === 0) return bytes
  let filled = 0
  for await (const chunk of await source.read(0, bytes.length))
    filled += (chunk as Buffer).copy(bytes, filled)
  return bytes.subarray(0, filled)
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw malformed(cause)
  }
}

function parse(text: string): JsonValue {
  try {
    return parseJson(text)
  } catch (cause) {
    throw malformed(cause)
  }
}

function malformed(cause: unknown): DomainError {
  return new DomainError('INTERNAL_JSON_PROCESSING_ERROR', undefined, {
    cause,
    words: cause instanceof LoneSurrogateError ? cause.words : 'the upload is not a JSON document in UTF-8',
  })
}
