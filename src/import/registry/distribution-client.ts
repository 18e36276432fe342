import { createBlobPushes, digestOf, hasBlob, mount } from './blob-pushes.ts'
import type { ImageRegistry } from './image-registry.ts'
import { openAnswer, openBlob } from './read-blob.ts'
import {
  createRegistryTransport,
  type RegistryTransport,
  type RegistryTransportOptions,
} from './registry-transport.ts'

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

/** Creates a client of one registry. Every failure of the registry is a DomainError REGISTRY_PUSHING_TASK_IMAGE_FAILED. */
export function createDistributionClient(options: RegistryTransportOptions): DistributionClient {
  const transport = createRegistryTransport(options)
  const { authorized, repeatedly, urlOf } = transport

  return {
    hasBlob: (repository, digest) => hasBlob(transport, repository, digest),

    async mountBlob(repository, digest, from) {
      // A registry that does not mount starts an upload instead (202), which is cancelled.
      return (await mount(transport, repository, { mount: digest, from })).answer.status === 201
    },

    readBlob: (repository, digest) =>
      repeatedly(() =>
        openBlob(urlOf(repository, `blobs/${digest}`), (url) =>
          authorized(url, { method: 'GET', repository }, (headers) => openAnswer(url, headers)),
        ),
      ),

    ...createBlobPushes(transport),
    ...createManifests(transport),
  }
}

function createManifests({
  request,
  repeatedly,
  urlOf,
}: RegistryTransport): Pick<DistributionClient, 'findManifest' | 'pushManifest' | 'removeManifest'> {
  return {
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
