import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { notImplemented, type S3Answer, type S3State, xml } from './s3-answer.ts'
import { deleteObject, deleteObjects, getObject, listObjects, putObject } from './s3-operations.ts'
import { readRequest, requestId, type S3Request } from './s3-request.ts'
import {
  abortUpload,
  completeUpload,
  createUpload,
  listParts,
  listUploads,
  uploadPart,
} from './s3-uploads.ts'
import { StorageError } from './storage-error.ts'

/** Answers one request of the S3 API. Failures get S3's error response; those that are not client errors are logged. */
export async function answerS3(
  state: S3State,
  request: IncomingMessage,
  response: ServerResponse,
  log: (text: string) => void,
): Promise<void> {
  const id = requestId()
  try {
    await send(response, await dispatch(state, readRequest(request, state.nowMs())), id)
  } catch (error) {
    if (!(error instanceof StorageError)) log(`${request.method} ${request.url}: ${String(error)}`)
    const refusal =
      error instanceof StorageError
        ? error
        : new StorageError(500, 'InternalError', 'We encountered an internal error.')
    // The status has been sent, so the body is cut off.
    if (response.headersSent) response.destroy()
    else await send(response, refusalAnswer(request, refusal, id), id)
    request.resume()
  }
}

function dispatch(state: S3State, request: S3Request): S3Answer | Promise<S3Answer> {
  const { bucket, key } = request
  if (bucket === '') throw notImplemented('requests without a bucket')
  return key === '' ? onBucket(state, request) : onObject(state, request)
}

function onBucket(state: S3State, request: S3Request): S3Answer | Promise<S3Answer> {
  const { method, bucket, query } = request
  const { objects } = state
  const isPlain = [...query.keys()].every((name) => name === 'x-id' || name.startsWith('X-Amz-'))
  switch (method) {
    case 'PUT':
      if (!isPlain) break
      objects.createBucket(bucket)
      return { status: 200, headers: { location: `/${bucket}` } }
    case 'HEAD':
      objects.checkBucket(bucket)
      return { status: 200 }
    case 'DELETE':
      if (!isPlain) break
      objects.deleteBucket(bucket)
      return { status: 204 }
    case 'POST':
      if (query.has('delete')) return deleteObjects(state, request)
      break
    case 'GET':
      if (query.has('uploads')) return listUploads(state, request)
      if (query.get('list-type') === '2') return listObjects(state, request)
  }
  throw notImplemented(`${method} of a bucket with ${[...query.keys()].join(', ') || 'no parameter'}`)
}

function onObject(state: S3State, request: S3Request): S3Answer | Promise<S3Answer> {
  const { method, query } = request
  const isPart = query.has('uploadId')
  switch (method) {
    case 'GET':
      return isPart ? listParts(state, request) : getObject(state, request)
    case 'HEAD':
      return getObject(state, request)
    case 'PUT':
      return isPart ? uploadPart(state, request) : putObject(state, request)
    case 'DELETE':
      return isPart ? abortUpload(state, request) : deleteObject(state, request)
    case 'POST':
      if (query.has('uploads')) return createUpload(state, request)
      if (isPart) return completeUpload(state, request)
  }
  throw notImplemented(`${method} of an object with ${[...query.keys()].join(', ') || 'no parameter'}`)
}

function refusalAnswer(
  request: IncomingMessage,
  { status, code, message }: StorageError,
  id: string,
): S3Answer {
  // A response to HEAD has no body; clients name the error by its status.
  if (request.method === 'HEAD') return { status }
  const content = { Code: code, Message: message, Resource: request.url ?? '', RequestId: id }
  return { ...xml('Error', content), status }
}

async function send(
  response: ServerResponse,
  { status, headers = {}, body }: S3Answer,
  id: string,
): Promise<void> {
  response.writeHead(status, { ...asLatin1(headers), 'x-amz-request-id': id })
  if (body === undefined || typeof body === 'string') response.end(body)
  else await pipeline(body, response)
}

/** Node writes headers as Latin-1, so UTF-8 is passed byte by byte. */
function asLatin1(headers: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(headers)
  return Object.fromEntries(entries.map(([name, value]) => [name, Buffer.from(value).toString('latin1')]))
}
