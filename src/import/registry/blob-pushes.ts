import { createHash } from 'node:crypto'
import type { HttpAnswer } from '../../shared/http.ts'
import { type ImageRegistry, RegistryUnavailableError } from './image-registry.ts'
import { type BlobMeter, gathered, measured } from './registry-blob-meter.ts'
import { readProblem, registryError } from './registry-error.ts'
import { lineOf, type RegistryTransport } from './registry-transport.ts'

/** Blob as a manifest refers to it. */
type NamedBlob = Parameters<ImageRegistry['pushNamedBlob']>[1]

/** Maximum size of buffered blobs; they are kept until the registry has acknowledged them. */
const SMALL_BLOB_BYTES = 4 * 1024 * 1024
/** Error code for a digest mismatch (distribution specification, "Error Codes"). */
const WRONG_DIGEST = 'DIGEST_INVALID'
/** Statuses of registries that require a mount source or do not support mounts: the bytes are sent instead. */
const MOUNT_REFUSALS: readonly number[] = [400, 403, 404, 405]
const BINARY = { 'content-type': 'application/octet-stream' }

/**
 * Pushes of blobs. A large blob is sent in one PATCH, as `docker push` does. Pieces with Content-Range could be retried one by one,
 * but each would be buffered, and ECR reports wrong offsets (aws/containers-roadmap#2831).
 */
export function createBlobPushes(
  transport: RegistryTransport,
): Pick<ImageRegistry, 'pushBlob' | 'pushNamedBlob'> {
  const { request } = transport
  const uploads = createUploads(transport)

  const pushStream = (repository: string, bytes: AsyncIterable<Uint8Array>) =>
    streaming(measured(bytes), async (meter) => {
      const started = await uploads.start(repository)
      const patch = { method: 'PATCH', repository, headers: BINARY, body: meter.bytes }
      // The specification says 202; ECR has answered 201.
      const answer = await request(started, patch, [201, 202, 204, 404])
      if (answer.status === 404) throw forgotten()
      const sent = locationOf(answer, started)
      const blob = meter.result()
      await uploads.finish(repository, sent, blob.digest)
      return blob
    })

  const pushNamedStream = (repository: string, blob: NamedBlob, bytes: AsyncIterable<Uint8Array>) =>
    streaming(measured(bytes, blob), async (meter) => {
      const started = await uploads.startUnlessThere(repository, blob.digest)
      if (started === undefined) return (await digestOfAll(meter.bytes)) === blob.digest
      const url = withDigest(started, blob.digest)
      const headers = { ...BINARY, 'content-length': String(blob.sizeBytes) }
      // The source may be slow to start; an open request would time out.
      const { rest: body } = await gathered(meter.bytes, 0)
      const put = { method: 'PUT', repository, headers, ...(body !== undefined && { body }) }
      const answer = await request(url, put, [201, 204, 400, 404])
      if (answer.status === 404) throw forgotten()
      if (answer.status !== 400) return true
      const problem = readProblem(answer)
      if (problem.startsWith(WRONG_DIGEST)) return false
      throw registryError(`the response to ${lineOf(url, 'PUT')} is 400 ${problem}`)
    })

  return {
    async pushBlob(repository, bytes) {
      const { held, rest } = await gathered(bytes, SMALL_BLOB_BYTES)
      return rest === undefined
        ? await pushWhole(transport, repository, held)
        : await pushStream(repository, rest)
    },

    async pushNamedBlob(repository, blob, bytes) {
      if (blob.sizeBytes > SMALL_BLOB_BYTES) return await pushNamedStream(repository, blob, bytes)
      const { held } = await gathered(bytes, SMALL_BLOB_BYTES)
      if (digestOf(held) !== blob.digest) return false
      await pushWhole(transport, repository, held)
      return true
    },
  }
}

/** Pushes a buffered blob, unless the registry has it. */
async function pushWhole(transport: RegistryTransport, repository: string, blob: Buffer) {
  const { request, repeatedly } = transport
  const digest = digestOf(blob)
  if (!(await hasBlob(transport, repository, digest))) {
    await repeatedly(async () => {
      const url = withDigest(await startUpload(transport, repository), digest)
      await request(url, { method: 'PUT', repository, headers: BINARY, body: blob }, [201, 204])
    })
  }
  return { digest, sizeBytes: blob.length }
}

/** Uploads in progress; each call is retried. */
function createUploads(transport: RegistryTransport) {
  const { request, repeatedly } = transport
  const start = (repository: string): Promise<URL> => repeatedly(() => startUpload(transport, repository))

  return {
    start,

    /** Starts an upload; undefined when the repository has the blob. */
    async startUnlessThere(repository: string, digest: string): Promise<URL | undefined> {
      if (await hasBlob(transport, repository, digest)) return undefined
      const { answer, url } = await mount(transport, repository, { mount: digest })
      if (answer.status === 201) return undefined
      if (answer.status === 202) return locationOf(answer, url)
      return await start(repository)
    },

    /** Completes an upload. If the response is lost, a check for the blob decides. */
    async finish(repository: string, upload: URL, digest: string): Promise<void> {
      const url = withDigest(upload, digest)
      const { status } = await repeatedly(() =>
        request(url, { method: 'PUT', repository, headers: BINARY }, [201, 204, 404]),
      )
      if (status !== 404 || (await hasBlob(transport, repository, digest))) return
      throw forgotten()
    },
  }
}

/** Starts an upload by one request. */
async function startUpload({ request, urlOf }: RegistryTransport, repository: string): Promise<URL> {
  const url = urlOf(repository, 'blobs/uploads/')
  return locationOf(await request(url, { method: 'POST', repository }, [202]), url)
}

/** Asks the registry to mount a blob: 201 when it did, 202 with the location of a new upload, or a refusal. */
export async function mount(
  { request, repeatedly, urlOf }: RegistryTransport,
  repository: string,
  query: { readonly mount: string; readonly from?: string },
): Promise<{ readonly answer: HttpAnswer; readonly url: URL }> {
  const url = urlOf(repository, 'blobs/uploads/')
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  const expected = [201, 202, ...MOUNT_REFUSALS]
  const answer = await repeatedly(() => request(url, { method: 'POST', repository }, expected))
  return { answer, url }
}

/** Whether a repository has a blob. */
export async function hasBlob(
  { request, repeatedly, urlOf }: RegistryTransport,
  repository: string,
  digest: string,
): Promise<boolean> {
  const url = urlOf(repository, `blobs/${digest}`)
  const answer = await repeatedly(() => request(url, { method: 'HEAD', repository }, [200, 404]))
  return answer.status === 200
}

/** An error of the blob's source takes precedence over the request error that it causes. */
async function streaming<Result>(
  meter: BlobMeter,
  send: (meter: BlobMeter) => Promise<Result>,
): Promise<Result> {
  let result: Result
  try {
    result = await send(meter)
  } catch (error) {
    await meter.stop()
    throw meter.failure === undefined ? error : meter.failure.error
  }
  // After the announced bytes the registry may answer before the source has reported an error.
  if (meter.failure !== undefined) throw meter.failure.error
  return result
}

/** Error for an upload that the registry has lost: some lose uploads in progress when they restart. */
function forgotten(): RegistryUnavailableError {
  return new RegistryUnavailableError('the registry has lost an unfinished upload')
}

/** Digest of bytes, as manifests name it. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

async function digestOfAll(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of bytes) hash.update(chunk)
  return `sha256:${hash.digest('hex')}`
}

function withDigest(upload: URL, digest: string): URL {
  const url = new URL(upload)
  url.searchParams.set('digest', digest)
  return url
}

/** Resolves a location that is absolute or relative to the request's URL. */
function locationOf(response: HttpAnswer, requested: URL): URL {
  const { location } = response.headers
  if (location === undefined || !URL.canParse(location, requested.href)) {
    throw registryError('the registry returned no location for the upload')
  }
  return new URL(location, requested)
}
