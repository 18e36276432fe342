import type { Context } from 'hono'
import type { ObjectStore } from '../../src/aws/object-store.ts'
import { DomainError, parameterError } from '../../src/contract/errors.ts'
import type { JsonValue } from '../../src/contract/json.ts'
import type { SentValue } from '../../src/inputs/provision-file.ts'
import type { ParameterType } from '../../src/task/task.ts'
import { findCompleteUpload } from '../../src/upload/find-upload.ts'
import { readUploadedJson } from '../../src/upload/read-uploaded-json.ts'
import { type SentFile, sentBytes, sentUpload } from '../../src/upload/sent-file.ts'
import type { UploadRepository } from '../../src/upload/upload-repository.ts'
import { readJson } from './json-body.ts'
import { isMultipart, readMultipart } from './multipart.ts'
import { type UploadReference, uploadReference } from './upload-reference.ts'

interface Dependencies {
  readonly objects: ObjectStore
  readonly uploads: UploadRepository
}

/** JSON from the body of a call, or from an upload that the body names. */
export interface SentDocument {
  readonly document: JsonValue
  readonly isUpload: boolean
}

/**
 * Reads the value of an input or array item: a file or a JSON document (http-api 5.15 and 5.17).
 * @throws DomainError that names the parameter when the multipart body is malformed
 */
export async function readValueBody(
  deps: Dependencies,
  context: Context,
  type: ParameterType,
  parameterName: string,
): Promise<{ readonly file: SentValue } | SentDocument> {
  if (isMultipart(context)) return { file: await readFiles(deps, context, parameterName) }
  const isPost = context.req.method === 'POST'
  const document = await readJson(context, 'INTERNAL_JSON_PROCESSING_ERROR').catch((error: unknown) => {
    throw isPost ? notMultipart(parameterName) : error
  })
  const reference = uploadReference(document)
  if (reference === undefined) {
    if (isPost) throw notMultipart(parameterName)
    return { document, isUpload: false }
  }
  if (type.id === 'image' || type.id === 'file') return { file: await uploadedFiles(deps, reference) }
  if (reference.companionUploadId !== undefined) {
    const words = `a value of type ${type.id} has no companion; leave out companionUploadId`
    throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName, words)
  }
  return uploadedDocument(deps, reference)
}

/** Reads a JSON body, or the upload that it names. */
export async function readDocument(deps: Dependencies, context: Context): Promise<SentDocument> {
  const document = await readJson(context, 'INTERNAL_JSON_PROCESSING_ERROR')
  const reference = uploadReference(document)
  return reference === undefined ? { document, isUpload: false } : uploadedDocument(deps, reference)
}

function notMultipart(parameterName: string): DomainError {
  const words =
    'POST takes a file as multipart/form-data, or a JSON body with uploadId; send other JSON by PUT'
  return parameterError('INTERNAL_NOT_MULTIPART', parameterName, words)
}

async function readFiles(
  { objects }: Dependencies,
  context: Context,
  parameterName: string,
): Promise<SentValue> {
  try {
    const { first, second } = await readMultipart(context)
    const value = sentBytes(objects, first)
    return second === undefined ? { value } : { value, companion: sentBytes(objects, second) }
  } catch (error) {
    if (error instanceof DomainError) throw parameterError(error.error, parameterName, error.words)
    throw error
  }
}

async function uploadedFiles(
  deps: Dependencies,
  { uploadId, companionUploadId }: UploadReference,
): Promise<SentValue> {
  const find = async (id: string, field: string): Promise<SentFile> =>
    sentUpload(deps.objects, await findCompleteUpload(deps, id, 'input', field), field)
  const value = await find(uploadId, 'uploadId')
  if (companionUploadId === undefined) return { value }
  return { value, companion: await find(companionUploadId, 'companionUploadId') }
}

async function uploadedDocument(deps: Dependencies, { uploadId }: UploadReference): Promise<SentDocument> {
  const upload = await findCompleteUpload(deps, uploadId, 'input', 'uploadId')
  return { document: await readUploadedJson(deps.objects, upload, 'uploadId'), isUpload: true }
}
