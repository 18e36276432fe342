/*
 * Imports one bundle into a registry by the use case of the Lambda. The bucket is a local file and the table is in memory:
 *
 *   node bench/import-once.ts BUNDLE http://REGISTRY/REPOSITORY:TAG
 *
 * The image is stored under the given repository and tag instead of the task's name, so that the comparison finds it.
 */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { ObjectStore } from '../src/aws/object-store.ts'
import { importBundle } from '../src/import/import-bundle.ts'
import { createDistributionImageRegistry } from '../src/import/registry/distribution-image-registry.ts'
import type { ImageRegistry } from '../src/import/registry/image-registry.ts'
import { collectBuffers } from '../src/shared/collect-buffers.ts'
import { systemIdentity } from '../src/shared/identity.ts'
import { pause } from '../src/shared/pause.ts'
import { repeat } from '../src/shared/repeat.ts'
import { createMemoryBundleSource } from '../test/fakes/memory-bundle-source.ts'
import { createMemoryJobScheduler } from '../test/fakes/memory-job-scheduler.ts'
import { createMemoryLayerRepository } from '../test/fakes/memory-layer-repository.ts'
import { createMemoryObjectStore } from '../test/fakes/memory-object-store.ts'
import { createMemoryTaskRepository } from '../test/fakes/memory-task-repository.ts'
import { createMemoryUploadRepository } from '../test/fakes/memory-upload-repository.ts'

const [bundle = '', target = ''] = process.argv.slice(2)
const { origin, pathname } = new URL(target)
const [, repository = '', tag = ''] = /^\/(.+):([^:]+)$/u.exec(pathname) ?? []
const KEY = 'uploads/bench'
/** Size of one read of the local file: that of the joined chunks of a download from S3. */
const READ_BYTES = 2 * 1024 * 1024

/** Object store that reads the bundle from the file, and keeps other objects in memory. */
function fileBackedStore(): ObjectStore {
  const memory = createMemoryObjectStore()
  return {
    ...memory,
    size: async (key) => (key === KEY ? (await stat(bundle)).size : await memory.size(key)),
    async read(key, range) {
      if (key !== KEY) return await memory.read(key, range)
      const { start = 0, length = Number.POSITIVE_INFINITY } = range ?? {}
      return createReadStream(bundle, { start, end: start + length - 1, highWaterMark: READ_BYTES })
    },
  }
}

/** Registry that stores every image under the repository and tag that the command line names. */
function pinnedRegistry(): ImageRegistry {
  const registry = createDistributionImageRegistry({ registryUrl: origin })
  return {
    ...registry,
    hasBlob: (_, digest) => registry.hasBlob(repository, digest),
    pushBlob: (_, bytes) => registry.pushBlob(repository, bytes),
    pushNamedBlob: (_, blob, bytes) => registry.pushNamedBlob(repository, blob, bytes),
    pushManifest: (_, _tag, manifest, mediaType) =>
      registry.pushManifest(repository, tag, manifest, mediaType),
  }
}

/** A function, because this file is built as CommonJS like the Lambdas, which has no top-level await. */
async function main(): Promise<void> {
  collectBuffers()
  const uploads = createMemoryUploadRepository(systemIdentity)
  await importBundle(
    {
      identity: systemIdentity,
      uploads,
      tasks: createMemoryTaskRepository(systemIdentity),
      layers: createMemoryLayerRepository(systemIdentity),
      objects: fileBackedStore(),
      bundles: createMemoryBundleSource(),
      registry: pinnedRegistry(),
      scheduler: createMemoryJobScheduler(),
      requests: { send: async () => {} },
      metrics: { count: () => {}, observe: () => {} },
      repeat,
      pause,
      settings: {
        repositoryPrefix: 'bench',
        queues: { fargate: { arn: 'arn:aws:batch:eu-west-1:000000000000:job-queue/bench' } },
        defaultRamBytes: 4 * 1024 ** 3,
        job: {
          definitionPrefix: 'bench',
          tags: { application: 'bench' },
          stagerImage: 'stager:1',
          executionRoleArn: 'arn:aws:iam::000000000000:role/execution',
          logGroupName: 'jobs',
          region: 'eu-west-1',
          attemptTimeoutSeconds: 3600,
        },
      },
    },
    { uploadId: 'bench', object: { key: KEY } },
  )
  const upload = await uploads.find('bench')
  if (upload?.state !== 'READY') {
    console.error(JSON.stringify(upload?.error ?? upload?.state))
    process.exit(1)
  }
}

void main()
