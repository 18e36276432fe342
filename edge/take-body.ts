import type { IncomingMessage, ServerResponse } from 'node:http'
import { DomainError, parameterError } from '../src/domain/errors.ts'
import type { Slots } from '../src/slots.ts'
import type { Api } from './api.ts'
import { askAgain } from './ask-again.ts'
import { awaitImport } from './await-import.ts'
import type { Connect } from './connections.ts'
import { ClientGoneError } from './failures.ts'
import { clientHeaders } from './headers.ts'
import { createPartSender } from './part-sender.ts'
import { passBack } from './pass-on.ts'
import { type ArrivingFile, isMultipart, readParts, readWhole } from './read-parts.ts'
import type { RequestLog } from './request-log.ts'
import type { BodyRoute } from './routes.ts'
import { sendParts } from './send-parts.ts'
import type { Uploads } from './uploads.ts'

export interface TakeBodyDependencies {
  readonly api: Api
  readonly uploads: Uploads
  readonly connect: Connect
  /** Bodies that are read at the same time, each with its buffers; who finds no place is not read until there is one. */
  readonly places: Slots
  /** A client that sends nothing for so long is taken for gone, and its place is given to another. */
  readonly idleMs: number
  /** Between the attempts of what fails for a passing reason. */
  readonly pausesMs: readonly number[]
  /** Answers the client, who may still be sending. */
  readonly refuse: (exchange: Exchange, failure: unknown) => void
}

/** A request of a client, and what belongs to it. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestLog: RequestLog
}

/** One request and what was made of its body so far. */
interface Taking extends TakeBodyDependencies {
  readonly route: BodyRoute
  readonly request: IncomingMessage
  readonly requestLog: RequestLog
  readonly controller: AbortController
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
  route: BodyRoute,
  exchange: Exchange,
): Promise<void> {
  const { request, response, requestLog } = exchange
  const controller = new AbortController()
  const { signal } = controller
  const taking: Taking = { ...deps, route, request, requestLog, controller, uploadIds: [], spare: [] }
  const leave = (): void => {
    if (!response.writableFinished) controller.abort(new ClientGoneError())
  }
  response.once('close', leave)
  if (response.destroyed) leave()
  try {
    await readBody(taking)
    // Only now: a completed bundle is imported, and this one might have been cut off.
    for (const id of taking.uploadIds) await deps.uploads.complete(id, signal)
    await passBack(await useUploads(taking), response)
  } catch (error) {
    const failure = signal.aborted ? signal.reason : error
    controller.abort(failure)
    deps.refuse(exchange, named(failure, route))
    await discardUploads(taking)
  }
}

/** Resolves when everything is in the bucket. */
async function readBody(taking: Taking): Promise<void> {
  const { places, request, idleMs, controller } = taking
  await places.take()
  const { socket } = request
  const giveUp = (): void => void request.destroy()
  socket.setTimeout(idleMs)
  socket.once('timeout', giveUp)
  try {
    controller.signal.throwIfAborted()
    await readFiles(taking)
  } finally {
    places.give()
    socket.off('timeout', giveUp)
    socket.setTimeout(0)
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
  return parameterError(failure.error, parameterName)
}
