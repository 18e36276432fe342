import { createHash } from 'node:crypto'
import type { HttpAnswer } from '../../shared/http.ts'
import { backoff, type Pause, retry } from '../../shared/retry.ts'
import { RegistryUnavailableError } from './image-registry.ts'
import type { RegistryAuthorization } from './registry-authorization.ts'
import { type BlobMeter, gathered, measured } from './registry-blob-meter.ts'
import { readProblem, registryError } from './registry-error.ts'
import { requestRegistry } from './request-registry.ts'

/** A blob as a manifest names it. */
interface NamedBlob {
  readonly digest: string
  readonly sizeBytes: number
}

/** Pushing to a registry by the OCI distribution specification 1.1. */
export interface DistributionClient {
  hasBlob(repository: string, digest: string): Promise<boolean>
  /**
   * Sends one blob as it streams. Small ones are held and sent whole, as often as need be, and not at all when they are
   * there; larger ones go as one stream, which only the caller can repeat.
   * What the bytes themselves throw passes untouched, and the registry forgets the unfinished upload.
   * @throws RegistryUnavailableError
   */
  pushBlob(
    repository: string,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly digest: string; readonly sizeBytes: number }>
  /**
   * Sends one blob whose digest and size are told beforehand in one PUT, as containerd does: the registry compares them. One that is
   * there is only read, and so is a large one that the registry takes over from another repository: the request that begins its
   * upload asks for that without saying from which ("automatic content discovery" of the specification, version 1.1).
   * @returns whether the bytes have this digest.
   * @throws as {@link pushBlob}
   */
  pushNamedBlob(repository: string, blob: NamedBlob, bytes: AsyncIterable<Uint8Array>): Promise<boolean>
  /** Digest of the manifest that a tag points at; undefined when there is no such tag. */
  findManifest(repository: string, tag: string, mediaType: string): Promise<string | undefined>
  /** @returns the digest under which the manifest can be pulled. */
  pushManifest(repository: string, tag: string, manifest: Uint8Array, mediaType: string): Promise<string>
  /** Nothing happens when it is gone. */
  removeManifest(repository: string, digest: string): Promise<void>
}

export interface DistributionClientOptions {
  /** Scheme and host; plain http is for registries on the same machine. */
  readonly registryUrl: string
  readonly authorization: RegistryAuthorization
  readonly pause?: Pause
}

/** Blobs up to here are held until the registry has acknowledged them. */
const SMALL_BLOB_BYTES = 4 * 1024 * 1024
/** Four retries wait 6 s on average. A longer outage is left to the next delivery of the import. */
const BACKOFF = { retries: 4, firstMs: 500, hasJitter: true }
/** What a registry calls a blob that is not what it was said to be (distribution specification, "Error Codes"). */
const WRONG_DIGEST = 'DIGEST_INVALID'
/** Of a registry that wants to be told from where, or does not know the request: it takes the bytes. */
const MOUNT_REFUSALS: readonly number[] = [400, 403, 404, 405]
/** Answers of a registry that is busy or being replaced; everything else stays as it is however often one asks. */
const PASSING_STATUSES: readonly number[] = [408, 429, 500, 502, 503, 504]
const BINARY = { 'content-type': 'application/octet-stream' }

interface RequestOptions {
  readonly method: string
  readonly repository: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>
}

/**
 * A client of one registry; every failure of the registry is a DomainError REGISTRY_PUSHING_TASK_IMAGE_FAILED.
 *
 * A large blob goes in one PATCH, as `docker push` does, and not in pieces with Content-Range, which could be repeated one by
 * one: ECR takes pieces but does not say rightly how far it got (https://github.com/aws/containers-roadmap/issues/2831), and
 * each piece would have to be held.
 */
export function createDistributionClient({
  registryUrl,
  authorization,
  pause,
}: DistributionClientOptions): DistributionClient {
  const registry = new URL(registryUrl)
  const urlOf = (repository: string, rest: string): URL => new URL(`/v2/${repository}/${rest}`, registry)

  /** Sent once. */
  const answerTo = async (
    url: URL,
    { method, headers = {}, body }: RequestOptions,
    own: string | undefined,
  ): Promise<HttpAnswer> => {
    try {
      return await requestRegistry(url, {
        method,
        headers: { ...headers, ...(own !== undefined && { authorization: own }) },
        ...(body !== undefined && { body }),
      })
    } catch (error) {
      throw new RegistryUnavailableError(`no answer to ${lineOf(url, method)}`, { cause: error })
    }
  }

  /** The answer when its status is expected; nothing is left of its body. */
  const request = async (
    url: URL,
    options: RequestOptions,
    expected: readonly number[],
  ): Promise<HttpAnswer> => {
    // An upload may be continued at another host: the credentials are none of its business.
    const isOwn = url.origin === registry.origin
    const headerNow = async () => (isOwn ? await authorization.header(options.repository) : undefined)
    const header = await headerNow()
    let response = await answerTo(url, options, header)
    if (response.status === 401 && isOwn) {
      const challenge = response.headers['www-authenticate'] ?? null
      const isRenewed = await authorization.renew(options.repository, { header, challenge })
      const isStream = options.body !== undefined && !(options.body instanceof Uint8Array)
      if (isRenewed && isStream) throw new RegistryUnavailableError('the registry asks for a new token')
      if (isRenewed) response = await answerTo(url, options, await headerNow())
    }
    if (expected.includes(response.status)) return response
    return refuse(response, url, options.method)
  }

  const repeatedly = <Result>(work: () => Promise<Result>): Promise<Result> =>
    retry(work, {
      pausesMs: backoff(BACKOFF),
      isRetryable: (error) => error instanceof RegistryUnavailableError,
      pause,
    })

  const startUpload = async (repository: string): Promise<URL> => {
    const url = urlOf(repository, 'blobs/uploads/')
    return locationOf(await request(url, { method: 'POST', repository }, [202]), url)
  }

  const hasBlob = async (repository: string, digest: string): Promise<boolean> => {
    const url = urlOf(repository, `blobs/${digest}`)
    const answer = await repeatedly(() => request(url, { method: 'HEAD', repository }, [200, 404]))
    return answer.status === 200
  }

  /** Undefined when the repository has the blob already, or now. */
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

  /** An answer to the last request that got lost is found out by asking for the blob. */
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
      // The specification says 202; ECR has been seen with 201.
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
      // The source may take its time before it begins, in which a request would be given up.
      const { rest: body } = await gathered(meter.bytes, 0)
      const put = { method: 'PUT', repository, headers, ...(body !== undefined && { body }) }
      const answer = await request(url, put, [201, 204, 400, 404])
      if (answer.status === 404) throw forgotten()
      if (answer.status !== 400) return true
      const problem = readProblem(answer)
      if (problem.startsWith(WRONG_DIGEST)) return false
      throw registryError(`the answer to ${lineOf(url, 'PUT')} is 400 ${problem}`)
    })

  return {
    hasBlob,

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
      // Without the header (the specification only says SHOULD) nothing is known of the content: never ours.
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

/** @throws RegistryUnavailableError when the same may be tried again, DomainError otherwise. */
function refuse(response: HttpAnswer, url: URL, method: string): never {
  const words = `the answer to ${lineOf(url, method)} is ${response.status} ${readProblem(response)}`
  if (PASSING_STATUSES.includes(response.status)) throw new RegistryUnavailableError(words)
  throw registryError(words)
}

/** What the source of a blob throws goes before what the request made of it. */
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
  // With all announced bytes the registry may answer before the source has found out what is wrong with them.
  if (meter.failure !== undefined) throw meter.failure.error
  return result
}

/** Uploads that are under way do not outlive some registries. */
function forgotten(): RegistryUnavailableError {
  return new RegistryUnavailableError('the registry has forgotten an upload before its end')
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

async function digestOfAll(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of bytes) hash.update(chunk)
  return `sha256:${hash.digest('hex')}`
}

/** Queries hold state of registries, and tokens: they are left out. */
function lineOf(url: URL, method: string): string {
  return `${method} ${url.origin}${url.pathname}`
}

function withDigest(upload: URL, digest: string): URL {
  const url = new URL(upload)
  url.searchParams.set('digest', digest)
  return url
}

/** Relative to the request's URL, or absolute. */
function locationOf(response: HttpAnswer, requested: URL): URL {
  const { location } = response.headers
  if (location === undefined || !URL.canParse(location, requested.href)) {
    throw registryError('the registry did not tell where the upload goes on')
  }
  return new URL(location, requested)
}
