import { createHash } from 'node:crypto'
import { measured } from './registry-blob-meter.ts'
import { readProblem, registryError } from './registry-error.ts'
import { sendStream } from './registry-stream-request.ts'

/** Pushing to a registry by the OCI distribution specification 1.1. */
export interface DistributionClient {
  hasBlob(repository: string, digest: string): Promise<boolean>
  /**
   * Sends one blob as it streams, in one request of unknown length; holds the chunk under way.
   * What the bytes themselves throw passes untouched, and the registry forgets the unfinished upload.
   */
  pushBlob(
    repository: string,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly digest: string; readonly sizeBytes: number }>
  /** Digest of the manifest that a tag points at; undefined when there is no such tag. */
  findManifest(repository: string, tag: string, mediaType: string): Promise<string | undefined>
  /** @returns the digest under which the manifest can be pulled. */
  pushManifest(repository: string, tag: string, manifest: Uint8Array, mediaType: string): Promise<string>
}

interface DistributionClientOptions {
  /** Scheme and host; plain http is for registries on the same machine. */
  readonly registryUrl: string
  /** Value of the Authorization header at this moment. */
  readonly authorize: () => Promise<string>
}

/** A client of one registry; every failure of the registry is a DomainError REGISTRY_PUSHING_TASK_IMAGE_FAILED. */
export function createDistributionClient(options: DistributionClientOptions): DistributionClient {
  const registry = new URL(options.registryUrl)
  const urlOf = (repository: string, rest: string): URL => new URL(`/v2/${repository}/${rest}`, registry)

  /** The answer when its status is expected; nothing is left of its body. */
  const request = async (
    url: URL,
    init: RequestInit & { readonly method: string; readonly stream?: AsyncIterable<Uint8Array> },
    expected: readonly number[],
  ): Promise<Response> => {
    const { stream, ...rest } = init
    const headers = new Headers(init.headers)
    // An upload may be continued at another host: the credentials are none of its business.
    if (url.origin === registry.origin) headers.set('authorization', await options.authorize())
    const line = `${init.method} ${url.origin}${url.pathname}`
    let response: Response
    try {
      response =
        stream === undefined
          ? await fetch(url, { ...rest, headers })
          : await sendStream(url, { method: init.method, headers }, stream)
    } catch (error) {
      throw registryError(`no answer to ${line}`, error)
    }
    if (!expected.includes(response.status)) {
      throw registryError(`the answer to ${line} is ${response.status} ${await readProblem(response)}`)
    }
    await response.body?.cancel()
    return response
  }

  return {
    async hasBlob(repository, digest) {
      const url = urlOf(repository, `blobs/${digest}`)
      return (await request(url, { method: 'HEAD' }, [200, 404])).status === 200
    },

    async pushBlob(repository, bytes) {
      const start = urlOf(repository, 'blobs/uploads/')
      const started = locationOf(await request(start, { method: 'POST' }, [202]), start)
      const meter = measured(bytes)
      const headers = { 'content-type': 'application/octet-stream' }
      let sent: URL
      try {
        const init = { method: 'PATCH', headers, stream: meter.bytes }
        // The specification says 202; ECR has been seen with 201.
        sent = locationOf(await request(started, init, [201, 202, 204]), started)
      } catch (error) {
        await meter.stop()
        throw meter.failure === undefined ? error : meter.failure.error
      }
      const blob = meter.result()
      sent.searchParams.set('digest', blob.digest)
      await request(sent, { method: 'PUT', headers }, [201, 204])
      return blob
    },

    async findManifest(repository, tag, mediaType) {
      const url = urlOf(repository, `manifests/${tag}`)
      const response = await request(url, { method: 'HEAD', headers: { accept: mediaType } }, [200, 404])
      // Without the header (the specification only says SHOULD) nothing is known of the content: never ours.
      return response.status === 404
        ? undefined
        : (response.headers.get('docker-content-digest') ?? 'unknown')
    },

    async pushManifest(repository, tag, manifest, mediaType) {
      const url = urlOf(repository, `manifests/${tag}`)
      const headers = { 'content-type': mediaType }
      await request(url, { method: 'PUT', headers, body: Buffer.from(manifest) }, [201])
      return `sha256:${createHash('sha256').update(manifest).digest('hex')}`
    },
  }
}

/** Relative to the request's URL, or absolute. */
function locationOf(response: Response, requested: URL): URL {
  const location = response.headers.get('location')
  if (location === null || !URL.canParse(location, requested.href)) {
    throw registryError('the registry did not tell where the upload goes on')
  }
  return new URL(location, requested)
}
