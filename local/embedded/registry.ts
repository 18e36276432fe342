import { createHash } from 'node:crypto'
import * as z from 'zod'
import { digestSchema } from '../../src/import/image/oci-documents.ts'
import { readAtMost } from '../../src/shared/read-all.ts'
import { withDigest } from './layer-content.ts'

const TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const

const manifestSchema = z.object({
  mediaType: z.string().optional(),
  config: z.object({ digest: digestSchema }),
  layers: z.array(z.object({ digest: digestSchema })).max(127),
})

/** Manifests and configs have some KiB. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024

/** An image in a registry. */
export interface RemoteImage {
  /** Digest of the manifest, which identifies the image's content. */
  readonly digest: string
  readonly layers: readonly string[]
  /** The config, byte for byte. */
  config(): Promise<Buffer>
  /** Bytes of a blob. The stream fails at its end when the digest differs. */
  blob(digest: string): AsyncIterable<Uint8Array>
}

interface Reference {
  readonly url: string
  /** Tag or digest. */
  readonly version: string
}

/**
 * Finds an image by `host/name@digest` or `host/name:tag`. A registry on the loopback uses plain HTTP.
 * @throws Error when there is no such image
 */
export async function findRemoteImage(reference: string): Promise<RemoteImage> {
  const { url, version } = parseReference(reference)
  const answer = await get(`${url}/manifests/${version}`)
  const body = await readDocument(bodyOf(answer))
  const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`
  if (version.startsWith('sha256:') && version !== digest) {
    throw new Error(`the registry sent the manifest ${digest} for ${version}`)
  }
  const type = answer.headers.get('content-type')?.split(';', 1)[0] ?? ''
  const manifest = manifestSchema.parse(JSON.parse(body.toString()))
  // A registry may serve the bytes of a removed manifest under another media type.
  if (!TYPES.some((known) => known === type) || type !== (manifest.mediaType ?? type)) {
    throw new Error(`${version} is no longer an image: it has the type ${type}`)
  }
  const blob = async function* (of: string): AsyncGenerator<Uint8Array, void, undefined> {
    yield* withDigest(bodyOf(await get(`${url}/blobs/${of}`)), of)
  }
  return {
    digest,
    layers: manifest.layers.map((layer) => layer.digest),
    config: () => readDocument(blob(manifest.config.digest)),
    blob,
  }
}

function parseReference(reference: string): Reference {
  const match = /^([^/]+)\/([^@]+?)(?:@(sha256:[0-9a-f]{64})|:([\w][\w.-]{0,127}))?$/u.exec(reference)
  const [, host = '', name = '', digest, tag = 'latest'] = match ?? []
  if (match === null || !/[.:]|^localhost$/u.test(host)) {
    throw new Error(`"${reference}" names no registry: expected host/name@sha256:… or host/name:tag`)
  }
  const isLoopback = /^(?:127\.[0-9.]+|localhost|\[::1\])(?::[0-9]+)?$/u.test(host)
  return { url: `${isLoopback ? 'http' : 'https'}://${host}/v2/${name}`, version: digest ?? tag }
}

async function get(url: string): Promise<Response> {
  const answer = await fetch(url, { headers: { accept: TYPES.join(', ') } })
  if (answer.ok) return answer
  await answer.body?.cancel()
  throw new Error(`${url}: ${answer.status} ${answer.statusText}`.trim())
}

function readDocument(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const words = `the registry sent a document of more than ${MAX_DOCUMENT_BYTES} bytes`
  return readAtMost(bytes, MAX_DOCUMENT_BYTES, () => new Error(words))
}

function bodyOf({ body }: Response): AsyncIterable<Uint8Array> {
  if (body === null) throw new Error('the registry sent no content')
  return body as AsyncIterable<Uint8Array>
}
