import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as z from 'zod'
import { askedRange } from '../../src/shared/byte-range.ts'
import { responseTo, startRequest } from '../../src/shared/http.ts'
import { readAtMost } from '../../src/shared/read-all.ts'
import type { BlobSession, Blobs } from './blobs.ts'
import type { DataFiles } from './data-files.ts'
import { StorageError } from './storage-error.ts'

/** Dependencies of the registry. */
export interface RegistryState {
  readonly blobs: Blobs
  readonly files: DataFiles
  /** Address of the emulator, which stores repositories and manifests, and whose ECR API removes them. */
  readonly emulatorUrl: URL
}

/** Manifests have 4 MiB at most (distribution specification, "Pushing Manifests"). */
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024

/** Blobs that a manifest of an image refers to; none for an index. */
const manifestSchema = z.object({
  config: z.object({ digest: z.string() }).optional(),
  layers: z.array(z.object({ digest: z.string() })).optional(),
})

/** A parsed request of the OCI distribution API. */
interface Call {
  readonly repository: string
  readonly query: URLSearchParams
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/**
 * Answers one request below `/v2/`. Blobs are stored on disk. Other requests are forwarded to the emulator, which would keep
 * blobs in memory.
 */
export async function answerRegistry(
  state: RegistryState,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  const [, repository = '', kind, rest = ''] = /^\/v2\/(.+)\/(blobs|manifests)\/(.*)$/u.exec(pathname) ?? []
  const call = { repository, query: searchParams, request, response }
  try {
    if (kind === 'blobs') await answerBlob(state, call, rest)
    else if (kind === 'manifests' && request.method === 'PUT') await putManifest(state, call)
    else await passOn(state, request, response)
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    request.resume()
    send(response, error.status, { 'content-type': 'application/json' }, errorBody(error))
  }
}

async function answerBlob(state: RegistryState, call: Call, rest: string): Promise<void> {
  const [, sessionId] = /^uploads\/([^/]*)$/u.exec(rest) ?? []
  if (sessionId === '') return startUpload(state, call)
  if (sessionId !== undefined) return continueUpload(state, call, sessionId)
  const { repository, request, response } = call
  const content = state.blobs.find(repository, rest)
  if (content === undefined) throw new StorageError(404, 'BLOB_UNKNOWN', `${repository} has no blob ${rest}`)
  if (request.method === 'DELETE') {
    await state.blobs.remove(repository, rest)
    return send(response, 202)
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') throw unsupported(request)
  const found = askedRange(request.headers.range, content.sizeBytes)
  if (found === 'unsatisfiable') throw new StorageError(416, 'SIZE_INVALID', 'the range starts after the end')
  const span = found ?? { start: 0, end: content.sizeBytes }
  response.writeHead(found === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': String(span.end - span.start),
    'docker-content-digest': rest,
    'accept-ranges': 'bytes',
    ...(found && { 'content-range': `bytes ${found.start}-${found.end - 1}/${content.sizeBytes}` }),
  })
  if (request.method === 'HEAD') response.end()
  else await pipeline(state.files.read(content, span), response)
}

async function startUpload(state: RegistryState, call: Call): Promise<void> {
  const { repository, query, request, response } = call
  if (request.method !== 'POST') throw unsupported(request)
  await checkRepository(state, repository)
  const mount = query.get('mount')
  if (mount !== null && state.blobs.mount(repository, mount, query.get('from') ?? undefined)) {
    return sendCreated(call, mount)
  }
  const session = state.blobs.start(repository)
  const digest = query.get('digest')
  if (digest !== null) return finishUpload(state, call, { session, digest })
  sendSession(response, 202, session)
}

async function continueUpload(state: RegistryState, call: Call, id: string): Promise<void> {
  const { repository, query, request, response } = call
  const session = state.blobs.session(repository, id)
  if (session === undefined) throw new StorageError(404, 'BLOB_UPLOAD_UNKNOWN', `no upload ${id}`)
  switch (request.method) {
    case 'GET':
      return sendSession(response, 204, session)
    case 'PATCH':
      return sendSession(response, 202, await state.blobs.append(session, request))
    case 'PUT':
      return finishUpload(state, call, { session, digest: query.get('digest') ?? '' })
    case 'DELETE':
      await state.blobs.cancel(session)
      return send(response, 204)
    default:
      throw unsupported(request)
  }
}

async function finishUpload(
  { blobs }: RegistryState,
  call: Call,
  { session, digest }: { readonly session: BlobSession; readonly digest: string },
): Promise<void> {
  const whole = await blobs.append(session, call.request)
  const computed = await blobs.finish(whole, digest)
  if (computed !== digest) {
    throw new StorageError(400, 'DIGEST_INVALID', `the bytes have the digest ${computed}, not ${digest}`)
  }
  sendCreated(call, digest)
}

/** Stores a manifest. Refuses one whose blobs do not exist, like ECR. */
async function putManifest(state: RegistryState, { repository, request, response }: Call): Promise<void> {
  const body = await readAtMost(
    request,
    MAX_MANIFEST_BYTES,
    () => new StorageError(413, 'SIZE_INVALID', `a manifest has ${MAX_MANIFEST_BYTES} bytes at most`),
  )
  const manifest = manifestSchema.safeParse(parseJson(body)).data
  const named = [manifest?.config, ...(manifest?.layers ?? [])].filter((blob) => blob !== undefined)
  const missing = named.find(({ digest }) => state.blobs.find(repository, digest) === undefined)
  if (missing !== undefined) {
    throw new StorageError(404, 'MANIFEST_BLOB_UNKNOWN', `${repository} has no blob ${missing.digest}`)
  }
  await passOn(state, request, response, body)
}

/** @throws StorageError NAME_UNKNOWN */
async function checkRepository({ emulatorUrl }: RegistryState, repository: string): Promise<void> {
  const answer = await fetch(new URL(`/v2/${repository}/tags/list`, emulatorUrl))
  await answer.body?.cancel()
  if (answer.status === 404)
    throw new StorageError(404, 'NAME_UNKNOWN', `there is no repository ${repository}`)
}

/** Forwards a request to the emulator unchanged, and returns its response. */
async function passOn(
  { emulatorUrl }: RegistryState,
  request: IncomingMessage,
  response: ServerResponse,
  body?: Buffer,
): Promise<void> {
  const { connection: _, 'transfer-encoding': __, ...headers } = request.headers
  const outgoing = startRequest(new URL(request.url ?? '/', emulatorUrl), {
    method: request.method ?? 'GET',
    headers: { ...headers, ...(body && { 'content-length': String(body.length) }) },
  })
  const [answer] = await Promise.all([
    responseTo(outgoing),
    pipeline(body === undefined ? request : Readable.from([body]), outgoing),
  ])
  response.writeHead(answer.statusCode ?? 502, answer.headers)
  await pipeline(answer, response)
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new StorageError(400, 'MANIFEST_INVALID', 'the manifest is not JSON')
  }
}

function unsupported({ method }: IncomingMessage): StorageError {
  return new StorageError(405, 'UNSUPPORTED', `${method} is not supported here`)
}

function errorBody({ code, message }: StorageError): string {
  return JSON.stringify({ errors: [{ code, message }] })
}

function sendSession(
  response: ServerResponse,
  status: number,
  { id, repository, sizeBytes }: BlobSession,
): void {
  send(response, status, {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    range: `0-${Math.max(0, sizeBytes - 1)}`,
    'docker-upload-uuid': id,
  })
}

function sendCreated({ repository, response }: Call, digest: string): void {
  const location = `/v2/${repository}/blobs/${digest}`
  send(response, 201, { location, 'docker-content-digest': digest })
}

function send(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  body = '',
): void {
  response.writeHead(status, {
    ...headers,
    ...(status === 204 ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
  })
  response.end(body)
}
