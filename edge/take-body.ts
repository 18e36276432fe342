import type { IncomingMessage } from 'node:http'
import { DomainError, parameterError } from '../src/contract/errors.ts'
import type { Api } from './api.ts'
import { askAgain } from './ask-again.ts'
import { awaitImport } from './await-import.ts'
import type { Connect } from './connections.ts'
import type { Exchange } from './exchange.ts'
import { clientHeaders } from './headers.ts'
import type { IncomingBody } from './incoming-body.ts'
import { createPartSender } from './part-sender.ts'
import { passBack } from './pass-on.ts'
import { type ArrivingFile, isMultipart, readParts, readWhole } from './read-parts.ts'
import type { BodyRoute } from './routes.ts'
import { sendParts } from './send-parts.ts'
import type { Uploads } from './uploads.ts'

export interface TakeBodyDependencies {
  readonly api: Api
  readonly uploads: Uploads
  readonly connect: Connect
  /** Between the attempts of what fails for a passing reason. */
  readonly pausesMs: readonly number[]
  /** Answers the client, who may still be sending. */
  readonly refuse: (exchange: Exchange, failure: unknown) => void
}

/** A body that is taken. */
export interface LargeBody {
  readonly route: BodyRoute
  readonly incoming: IncomingBody
}

/** One request and what was made of its body so far. */
interface Taking extends TakeBodyDependencies, LargeBody, Exchange {
  /** Of the uploads that were begun, in the order of the files. */
  readonly uploadIds: string[]
  readonly spare: Buffer[]
}

/** The name is only shown; the API refuses one of more than 1024. */
const MAX_NAME_LENGTH = 255

/** What describes the client's body, which the API does not get; its answer is looked at, so it is not to be compressed. */
const BODY_HEADERS = ['accept-encoding', 'content-encoding', 'content-md5', 'content-type']

/**
 * Turns a body into uploads while it arrives and then asks the API for what the client wanted, with the uploads in place of the
 * body. Whatever goes wrong before the API has done it, the uploads are discarded.
 */
export async function takeBody(
  deps: TakeBodyDependencies,
  body: LargeBody,
  exchange: Exchange,
): Promise<void> {
  const { response, controller } = exchange
  const { signal } = controller
  const taking: Taking = { ...deps, ...body, ...exchange, uploadIds: [], spare: [] }
  try {
    await readBody(taking)
    // Only now: a completed bundle is imported, and this one might have been cut off.
    for (const id of taking.uploadIds) await deps.uploads.complete(id, signal)
    await passBack(await useUploads(taking), response)
  } catch (error) {
    const failure = signal.aborted ? signal.reason : error
    controller.abort(failure)
    deps.refuse(exchange, named(failure, body.route))
    await discardUploads(taking)
  }
}

/** Resolves when everything is in the bucket. */
async function readBody(taking: Taking): Promise<void> {
  const { incoming, controller, spare } = taking
  await incoming.takePlace()
  try {
    controller.signal.throwIfAborted()
    await readFiles(taking)
  } finally {
    spare.length = 0
    incoming.release()
  }
}

async function readFiles(taking: Taking): Promise<void> {
  const { route, request, controller } = taking
  if (isMultipart(request)) {
    if (route.fileCount === 0) throw new DomainError('INTERNAL_JSON_PROCESSING_ERROR')
    await readParts(request, route.fileCount, { take: (file) => takeFile(taking, file), controller })
  } else {
    if (!route.takesJson) throw new DomainError('INTERNAL_NOT_MULTIPART')
    const take = (file: ArrivingFile): Promise<void> => takeFile(taking, file, 'application/json')
    await readWhole(request, { take, controller })
  }
}

async function takeFile(
  taking: Taking,
  { bytes, fileName }: ArrivingFile,
  contentType?: string,
): Promise<void> {
  const { uploads, connect, pausesMs, route, controller, uploadIds, spare } = taking
  const upload = await uploads.create({
    purpose: route.purpose,
    ...(fileName === undefined ? {} : { fileName: fileName.slice(0, MAX_NAME_LENGTH).toWellFormed() }),
    ...(contentType === undefined ? {} : { contentType }),
  })
  // Known before anything else can happen, so that it is discarded.
  uploadIds.push(upload.id)
  const { signal } = controller
  const send = createPartSender(upload.id, { uploads, connect, pausesMs, signal })
  await sendParts(bytes, { partSizeBytes: upload.partSizeBytes, send, spare, controller })
}

/** The answer to what the client asked for. */
async function useUploads(taking: Taking): Promise<IncomingMessage> {
  const { api, request, uploadIds, pausesMs } = taking
  const { signal } = taking.controller
  const [uploadId, companionUploadId] = uploadIds
  const call = {
    method: request.method ?? 'POST',
    path: request.url ?? '/',
    headers: clientHeaders(request.rawHeaders, BODY_HEADERS),
    body: { uploadId, ...(companionUploadId === undefined ? {} : { companionUploadId }) },
    signal,
  }
  const answer = await askAgain(() => api.call(call), pausesMs, signal)
  return awaitImport(answer, { api, pausesMs, signal })
}

async function discardUploads({ uploads, uploadIds, requestLog }: Taking): Promise<void> {
  const outcomes = uploadIds.map((id) =>
    uploads.discard(id).then(
      () => requestLog.discarded(id),
      (error: unknown) => requestLog.notDiscarded(id, error),
    ),
  )
  await Promise.all(outcomes)
}

/** Errors of the body itself name the parameter that it was for (http-api 5.15). */
function named(failure: unknown, { parameterName }: BodyRoute): unknown {
  if (!(failure instanceof DomainError) || parameterName === undefined) return failure
  return parameterError(failure.error, parameterName, failure.words)
}
