import { createHash, type Hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { DomainError, parameterError } from '../src/contract/errors.ts'
import {
  CONTENT_DIGEST_HEADER,
  IDEMPOTENCY_KEY_HEADER,
  REPLAYED_HEADER,
} from '../src/contract/idempotency.ts'
import type { Api } from './api.ts'
import { awaitImport } from './await-import.ts'
import type { Connect } from './connections.ts'
import type { Exchange } from './exchange.ts'
import { ApiRefusal } from './failures.ts'
import { sendAnswer } from './forward.ts'
import { clientHeaders } from './headers.ts'
import type { IncomingBody } from './incoming-body.ts'
import { createPartSender } from './part-sender.ts'
import { type ArrivingFile, isMultipart, readParts, readWhole } from './read-parts.ts'
import { refuseRequest } from './refuse-request.ts'
import { retryTransient } from './retry-transient.ts'
import type { BodyRoute } from './routes.ts'
import { sendParts } from './send-parts.ts'
import type { Uploads } from './uploads.ts'

export interface UploadBodyDependencies {
  readonly api: Api
  readonly uploads: Uploads
  readonly connect: Connect
  /** Pauses between retries of transient failures. */
  readonly pausesMs: readonly number[]
}

/** A body above the API's limit. */
export interface LargeBody {
  readonly route: BodyRoute
  readonly incoming: IncomingBody
}

/** One request and the uploads of its body. */
interface UploadState extends UploadBodyDependencies, LargeBody, Exchange {
  /** Started uploads, in the order of the files. */
  readonly uploadIds: string[]
  readonly spare: Buffer[]
  /** Set for a bundle with an idempotency key. */
  readonly hash?: Hash
  /**
   * `unused`: the response was that of an earlier call with the same key. `taken`: a running import uses the uploads.
   */
  outcome?: 'unused' | 'taken'
}

/** The name is for display; the API refuses more than 1024 characters. */
const MAX_NAME_LENGTH = 255

/**
 * Headers of the body, which are not forwarded to the API. Without `accept-encoding` the response is not compressed, so
 * the edge can parse it.
 */
const BODY_HEADERS = ['accept-encoding', 'content-encoding', 'content-md5', 'content-type']

/**
 * Streams a body into uploads, then sends the client's request with the upload ids in place of the body. Discards the uploads on
 * any failure. With an idempotency key, the API is called before the upload is completed, because completing it would start a
 * second import. The API receives the digest of the bundle, because the upload's id differs in each call.
 */
export async function uploadBody(
  deps: UploadBodyDependencies,
  body: LargeBody,
  exchange: Exchange,
): Promise<void> {
  const { response, controller } = exchange
  const { signal } = controller
  const isKeyed = body.route.purpose === 'task' && IDEMPOTENCY_KEY_HEADER in exchange.request.headers
  const state: UploadState = {
    ...{ ...deps, ...body, ...exchange, uploadIds: [], spare: [] },
    ...(isKeyed && { hash: createHash('sha256') }),
  }
  try {
    await readBody(state)
    // After the whole body: completing a bundle starts its import, and the body may be truncated.
    if (!isKeyed) for (const id of state.uploadIds) await deps.uploads.complete(id, signal)
    await sendAnswer(await requestWithUploads(state), response)
    if (state.outcome === 'unused') await discardUploads(state)
  } catch (error) {
    const failure = signal.aborted ? signal.reason : error
    controller.abort(failure)
    refuseRequest(exchange, withParameterName(failure, body.route))
    if (state.outcome !== 'taken') await discardUploads(state)
  }
}

async function readBody(state: UploadState): Promise<void> {
  const { incoming, controller, spare } = state
  await incoming.acquireSlot()
  try {
    controller.signal.throwIfAborted()
    await readFiles(state)
  } finally {
    spare.length = 0
    incoming.release()
  }
}

async function readFiles(state: UploadState): Promise<void> {
  const { route, request, controller } = state
  if (isMultipart(request)) {
    if (route.fileCount === 0) throw new DomainError('INTERNAL_JSON_PROCESSING_ERROR')
    await readParts(request, route.fileCount, { take: (file) => uploadFile(state, file), controller })
  } else {
    if (!route.takesJson) throw new DomainError('INTERNAL_NOT_MULTIPART')
    const take = (file: ArrivingFile): Promise<void> => uploadFile(state, file, 'application/json')
    await readWhole(request, { take, controller })
  }
}

async function uploadFile(
  state: UploadState,
  { bytes, fileName }: ArrivingFile,
  contentType?: string,
): Promise<void> {
  const { uploads, connect, pausesMs, route, controller, uploadIds, spare, hash } = state
  const upload = await uploads.create({
    purpose: route.purpose,
    ...(fileName === undefined ? {} : { fileName: fileName.slice(0, MAX_NAME_LENGTH).toWellFormed() }),
    ...(contentType === undefined ? {} : { contentType }),
  })
  // The id is recorded before any step that can fail, so that a failure discards the upload.
  uploadIds.push(upload.id)
  const { signal } = controller
  const send = createPartSender(upload.id, { uploads, connect, pausesMs, signal })
  await sendParts(hash === undefined ? bytes : hashed(bytes, hash), {
    partSizeBytes: upload.partSizeBytes,
    send,
    spare,
    controller,
  })
}

/** Hashes the bytes while they are read. Memory: one chunk. */
function hashed(bytes: Readable, hash: Hash): Readable {
  const pass = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      hash.update(chunk)
      yield chunk
    }
  }
  return Readable.from(pass(), { objectMode: false })
}

async function requestWithUploads(state: UploadState): Promise<IncomingMessage> {
  const { api, request, uploadIds, pausesMs, hash } = state
  const { signal } = state.controller
  const [uploadId, companionUploadId] = uploadIds
  const call = {
    method: request.method ?? 'POST',
    path: request.url ?? '/',
    headers: [
      ...clientHeaders(request.rawHeaders, BODY_HEADERS),
      ...(hash === undefined ? [] : [CONTENT_DIGEST_HEADER, `sha256:${hash.digest('hex')}`]),
    ],
    body: {
      uploadId,
      ...(companionUploadId === undefined ? {} : { companionUploadId }),
      ...(hash !== undefined && { complete: true }),
    },
    signal,
  }
  let calls = 0
  const answer = await retryTransient(
    () => {
      calls += 1
      return api.call(call)
    },
    pausesMs,
    signal,
  ).catch((error: unknown) => {
    // An earlier call whose response was lost still has the key and imports the upload.
    if (calls > 1 && isInUse(error)) state.outcome = 'taken'
    throw error
  })
  if (answer.headers[REPLAYED_HEADER] !== undefined) state.outcome = 'unused'
  return awaitImport(answer, { api, pausesMs, signal })
}

/** Only the 409 of an idempotency key in use has a `Retry-After`. */
function isInUse(error: unknown): boolean {
  if (!(error instanceof ApiRefusal) || error.status !== 409) return false
  return error.headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'retry-after')
}

async function discardUploads({ uploads, uploadIds, requestLog }: UploadState): Promise<void> {
  const outcomes = uploadIds.map((id) =>
    uploads.discard(id).then(
      () => requestLog.discarded(id),
      (error: unknown) => requestLog.notDiscarded(id, error),
    ),
  )
  await Promise.all(outcomes)
}

/** Errors of a body name its parameter (http-api 5.15). */
function withParameterName(failure: unknown, { parameterName }: BodyRoute): unknown {
  if (!(failure instanceof DomainError) || parameterName === undefined) return failure
  return parameterError(failure.error, parameterName, failure.words)
}
