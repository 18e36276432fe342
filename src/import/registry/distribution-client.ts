import { createHash } from 'node:crypto'
import type { HttpAnswer } from '../../shared/http.ts'
import { type ImageRegistry, RegistryUnavailableError } from './image-registry.ts'
import { openAnswer, openBlob } from './read-blob.ts'
import { type BlobMeter, gathered, measured } from './registry-blob-meter.ts'
import { readProblem, registryError } from './registry-error.ts'
import { createRegistryTransport, lineOf, type RegistryTransportOptions } from './registry-transport.ts'

/** Blob as a manifest refers to it. */
type NamedBlob = Parameters<ImageRegistry['pushNamedBlob']>[1]

/**
 * Pushes to a registry by the OCI distribution specification 1.1. Small blobs are buffered: they can be sent repeatedly, and are
 * not sent if the registry has them. Larger blobs are streamed, so only the caller can repeat them. Errors of the blob's source
 * are rethrown unchanged, and the unfinished upload is cancelled. A blob of known digest is sent in one PUT, as containerd does.
 * The request that starts its upload asks the registry to mount the blob from any repository ("automatic content discovery" of
 * the specification).
 */
export interface DistributionClient
  extends Pick<
    ImageRegistry,
    'hasBlob' | 'pushBlob' | 'pushNamedBlob' | 'mountBlob' | 'readBlob' | 'pushManifest'
  > {
  /** Digest of the manifest that a tag refers to; undefined when the tag does not exist. */
  findManifest(repository: string, tag: string, mediaType: string): Promise<string | undefined>
  /** Does nothing when the manifest does not exist. */
  removeManifest(repository: string, digest: string): Promise<void>
}

/** Maximum size of buffered blobs; they are kept until the registry has acknowledged them. */
const SMALL_BLOB_BYTES = 4 * 1024 * 1024
/** Error code for a digest mismatch (distribution specification, "Error Codes"). */
const WRONG_DIGEST = 'DIGEST_INVALID'
/** Statuses of registries that require a mount source or do not support mounts: the bytes are sent instead. */
const MOUNT_REFUSALS: readonly number[] = [400, 403, 404, 405]
const BINARY = { 'content-type': 'application/octet-stream' }

/**
 * Creates a client of one registry. Every failure of the registry is a DomainError REGISTRY_PUSHING_TASK_IMAGE_FAILED.
 * A large blob is sent in one PATCH, as `docker push` does. Pieces with Content-Range could be retried one by one, but
 * each would be buffered, and ECR reports wrong offsets (aws/containers-roadmap#2831).
 */
export function createDistributionClient(options: RegistryTransportOptions): DistributionClient {
  const { authorized, request, repeatedly } = createRegistryTransport(options)
  const urlOf = (repository: string, rest: string): URL =>
    new URL(`/v2/${repository}/${rest}`, options.registryUrl)

  const startUpload = async (repository: string): Promise<URL> => {
    const url = urlOf(repository, 'blobs/uploads/')
    return locationOf(await request(url, { method: 'POST', repository }, [202]), url)
  }

  const hasBlob = async (repository: string, digest: string): Promise<boolean> => {
    const url = urlOf(repository, `blobs/${digest}`)
    const answer = await repeatedly(() => request(url, { method: 'HEAD', repository }, [200, 404]))
    return answer.status === 200
  }

  /** Starts an upload; undefined when the repository has the blob. */
  const startUnlessThere = async (repository: string, digest: string): Promise<URL | undefined> => {
    if (await hasBlob(repository, digest)) return undefined
    const url = urlOf(repository, 'blobs/uploads/')
    url.searchParams.set('mount', digest)
    const expected = [201, 202, ...MOUNT_REFUSALS]
    const answer = await repeatedly(() => request(url, { method: 'POST', repository }, expected))
    if (answer.status === 201) return undefined
    if (answer.status === 202) return locationOf(answer, url)
    return await repeatedly(() => startUpload(repository))
  }

  const pushWhole = async (repository: string, blob: Buffer) => {
    const digest = digestOf(blob)
    if (!(await hasBlob(repository, digest))) {
      await repeatedly(async () => {
        const url = withDigest(await startUpload(repository), digest)
        await request(url, { method: 'PUT', repository, headers: BINARY, body: blob }, [201, 204])
      })
    }
    return { digest, sizeBytes: blob.length }
  }

  /** Completes an upload. If the response is lost, a check for the blob decides. */
  const finishUpload = async (repository: string, upload: URL, digest: string): Promise<void> => {
    const url = withDigest(upload, digest)
    const { status } = await repeatedly(() =>
      request(url, { method: 'PUT', repository, headers: BINARY }, [201, 204, 404]),
    )
    if (status !== 404 || (await hasBlob(repository, digest))) return
    throw forgotten()
  }

  const pushStream = (repository: string, bytes: AsyncIterable<Uint8Array>) =>
    streaming(measured(bytes), async (meter) => {
      const started = await repeatedly(() => startUpload(repository))
      const patch = { method: 'PATCH', repository, headers: BINARY, body: meter.bytes }
      // The specification says 202; ECR has answered 201.
      const answer = await request(started, patch, [201, 202, 204, 404])
      if (answer.status === 404) throw forgotten()
      const sent = locationOf(answer, started)
      const blob = meter.result()
      await finishUpload(repository, sent, blob.digest)
      return blob
    })

  const pushNamedStream = (repository: string, blob: NamedBlob, bytes: AsyncIterable<Uint8Array>) =>
    streaming(measured(bytes, blob), async (meter) => {
      const started = await startUnlessThere(repository, blob.digest)
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
    hasBlob,

    async mountBlob(repository, digest, from) {
      const url = urlOf(repository, 'blobs/uploads/')
      url.searchParams.set('mount', digest)
      url.searchParams.set('from', from)
      const expected = [201, 202, ...MOUNT_REFUSALS]
      // A registry that does not mount starts an upload instead (202), which is cancelled.
      return (await repeatedly(() => request(url, { method: 'POST', repository }, expected))).status === 201
    },

    readBlob: (repository, digest) =>
      repeatedly(() =>
        openBlob(urlOf(repository, `blobs/${digest}`), (url) =>
          authorized(url, { method: 'GET', repository }, (headers) => openAnswer(url, headers)),
        ),
      ),

    async pushBlob(repository, bytes) {
      const { held, rest } = await gathered(bytes, SMALL_BLOB_BYTES)
      return rest === undefined ? await pushWhole(repository, held) : await pushStream(repository, rest)
    },

    async pushNamedBlob(repository, blob, bytes) {
      if (blob.sizeBytes > SMALL_BLOB_BYTES) return await pushNamedStream(repository, blob, bytes)
      const { held } = await gathered(bytes, SMALL_BLOB_BYTES)
      if (digestOf(held) !== blob.digest) return false
      await pushWhole(repository, held)
      return true
    },

    async findManifest(repository, tag, mediaType) {
      const url = urlOf(repository, `manifests/${tag}`)
      const options = { method: 'HEAD', repository, headers: { accept: mediaType } }
      const response = await repeatedly(() => request(url, options, [200, 404]))
      // Without the header (only a SHOULD) the content is unknown, so it cannot be matched.
      return response.status === 404
        ? undefined
        : String(response.headers['docker-content-digest'] ?? 'unknown')
    },

    async pushManifest(repository, tag, manifest, mediaType) {
      const url = urlOf(repository, `manifests/${tag}`)
      const headers = { 'content-type': mediaType }
      await repeatedly(() => request(url, { method: 'PUT', repository, headers, body: manifest }, [201]))
      return digestOf(manifest)
    },

    async removeManifest(repository, digest) {
      const url = urlOf(repository, `manifests/${digest}`)
      await repeatedly(() => request(url, { method: 'DELETE', repository }, [200, 202, 404]))
    },
  }
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

function digestOf(bytes: Uint8Array): string {
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
