import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callEngine, type EngineProgram } from '../../local/container-engine.ts'
import { detectProgram } from '../../local/detect-engine.ts'
import { openZip, readZipEntry } from '../../src/archive/zip/read-zip.ts'
import { createDistributionImageRegistry } from '../../src/import/registry/distribution-image-registry.ts'
import { bufferSource } from '../../src/shared/byte-source.ts'
import type { TaskImage } from '../../src/task/task.ts'
import { aDescriptorText, packZip } from '../fixtures/bundle-builder.ts'
import { type ImportResult, importBytes } from '../fixtures/import-bytes.ts'
import { anImporter, IMPORT_SETTINGS } from '../fixtures/memory-importer.ts'
import { type RegistryProcess, startRegistryProcess } from '../fixtures/registry-process.ts'

/*
 * Imports bundles that common tools write into a real registry (docker-registry), and pulls the images with other programs.
 * Needs Debian's packages buildah, docker-registry, skopeo and umoci, and podman.
 */

const sharedFolder = process.env.SHARED_DIR
if (sharedFolder === undefined) {
  console.info('skipped: bundles of every format; set SHARED_DIR to the folder with bench/make-bundle.mjs')
}

const execute = promisify(execFile)
const PROBE_BUNDLE = join(import.meta.dirname, '../fixtures/probe-task/probe-task.zip')

let folder: string
let registry: RegistryProcess
let repositories = 0

/** Imports into an empty repository. */
async function importInto(bytes: Buffer) {
  repositories += 1
  const prefix = `formats/${repositories}`
  const result = await importBytes(bytes, {
    ...anImporter(),
    registry: createDistributionImageRegistry({ registryUrl: registry.url }),
    settings: { ...IMPORT_SETTINGS, repositoryPrefix: prefix },
  })
  return { result, prefix }
}

function imageOf({ result }: { readonly result: ImportResult }): TaskImage {
  if ('words' in result) throw new Error(`${result.refusal.errorCode}: ${result.words}`)
  return result.task.image
}

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

async function fetched(path: string): Promise<Buffer> {
  const accept = 'application/vnd.oci.image.manifest.v1+json'
  const answer = await fetch(`${registry.url}/v2/${path}`, { headers: { accept } })
  if (!answer.ok) throw new Error(`the registry answers ${answer.status} to ${path}`)
  return Buffer.from(await answer.arrayBuffer())
}

/**
 * Pulls an image and verifies it: every blob must have the digest and size of its OCI descriptor, and every layer, decompressed by
 * skopeo, the diff id of the config.
 * @returns the diff ids
 */
async function pulledDiffIds({ repository, digest }: TaskImage): Promise<readonly string[]> {
  const bytes = await fetched(`${repository}/manifests/${digest}`)
  const manifest = JSON.parse(String(bytes))
  expect(sha256(bytes)).toBe(digest)
  for (const blob of [manifest.config, ...manifest.layers]) {
    const content = await fetched(`${repository}/blobs/${blob.digest}`)
    expect([sha256(content), content.length]).toEqual([blob.digest, blob.size])
  }
  const config = JSON.parse(String(await fetched(`${repository}/blobs/${manifest.config.digest}`)))
  const target = await mkdtemp(join(folder, 'pulled-'))
  const source = `docker://${registry.host}/${repository}@${digest}`
  await execute('skopeo', [
    'copy',
    '--quiet',
    '--src-tls-verify=false',
    '--dest-decompress',
    source,
    `dir:${target}`,
  ])
  const names = (await readdir(target)).filter((name) => /^[0-9a-f]{64}$/u.test(name))
  const contents = await Promise.all(names.map(async (name) => sha256(await readFile(join(target, name)))))
  expect(contents).toEqual(expect.arrayContaining(config.rootfs.diff_ids))
  expect(manifest.layers).toHaveLength(config.rootfs.diff_ids.length)
  await rm(target, { recursive: true })
  return config.rootfs.diff_ids
}

/** Creates a synthetic bundle of 16 MiB with three layers, unless an option changes it. */
async function makeBundle(options: string): Promise<{ bytes: Buffer; diffIds: readonly string[] }> {
  const place = await mkdtemp(join(folder, 'made-'))
  const out = join(place, 'bundle.zip')
  const script = join(sharedFolder ?? '', 'bench/make-bundle.mjs')
  const size = ['--size', '16M', '--layers', '3', '--corpus', 'synthetic']
  const words = options.split(' ').filter((word) => word !== '')
  const { stdout } = await execute(process.execPath, [script, '--out', out, ...size, ...words])
  const bytes = await readFile(out)
  await rm(place, { recursive: true })
  return { bytes, diffIds: JSON.parse(stdout).diffIds }
}

beforeAll(async () => {
  if (sharedFolder === undefined) return
  folder = await mkdtemp(join(tmpdir(), 'bundle-formats-'))
  registry = await startRegistryProcess()
})

afterAll(async () => {
  if (sharedFolder === undefined) return
  await registry.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Matches a message with the actual and the expected diff id. */
const TWO_DIFF_IDS = /diff id sha256:[0-9a-f]{64}, .* sha256:[0-9a-f]{64}:/u
const DOCKER_25 = '--format docker-25-oci-layout'
const DOCKER_29 = '--format docker-29-with-attestation'

describe.runIf(sharedFolder).concurrent('a task is installed from a valid bundle', () => {
  it.each([
    '',
    '--zip stored',
    DOCKER_25,
    `${DOCKER_25} --zip stored`,
    `${DOCKER_25} --layer-compression gzip --zip stored`,
    DOCKER_29,
    `${DOCKER_29} --zip stored`,
    `${DOCKER_29} --layer-compression none`,
    `${DOCKER_29} --layer-compression zstd`,
    `${DOCKER_29} --layer-compression zstd --zip stored`,
    `${DOCKER_29} --layer-compression zstd-frames`,
    `${DOCKER_29} --layer-compression zstd-frames --zip stored`,
    '--duplicate-layer',
    '--duplicate-layer --zip stored',
    `--duplicate-layer ${DOCKER_25}`,
    `--duplicate-layer ${DOCKER_29} --zip stored`,
    '--zip-sizes stream',
    '--zip-sizes stream --zip stored',
    '--zip64 always',
    '--zip64 always --zip stored --zip-sizes stream',
    '--descriptor last',
    '--descriptor last --zip stored',
    '--manifest-first',
    '--manifest-first --zip stored',
    '--shape equal --layers 12',
    '--image-path deep/down/any.tar',
  ])('that is made with the options "%s"', async (options) => {
    const { bytes, diffIds } = await makeBundle(options)

    const image = imageOf(await importInto(bytes))

    expect(await pulledDiffIds(image)).toEqual(diffIds)
  })
})

describe
  .runIf(sharedFolder)
  .concurrent('a message, but no image that can be pulled, results from a damaged bundle', () => {
    it.each([
      ['crc', '', /checksum/u],
      ['crc', '--zip stored', /checksum/u],
      ['crc', '--zip-sizes stream', /checksum/u],
      ['crc', `${DOCKER_29} --zip stored`, /checksum/u],
      ['diff-id', '', TWO_DIFF_IDS],
      ['diff-id', '--zip stored', TWO_DIFF_IDS],
      ['diff-id', DOCKER_25, TWO_DIFF_IDS],
      ['diff-id', DOCKER_29, TWO_DIFF_IDS],
      ['diff-id', `${DOCKER_29} --layer-compression zstd-frames --zip stored`, TWO_DIFF_IDS],
      ['blob-digest', DOCKER_25, /digest/u],
      ['blob-digest', `${DOCKER_25} --zip stored`, /digest/u],
      ['blob-digest', DOCKER_29, /digest/u],
      ['blob-digest', `${DOCKER_29} --layer-compression zstd --zip stored`, /digest/u],
    ])('that is made with --corrupt %s %s', async (what, options, expected) => {
      const { bytes } = await makeBundle(`--corrupt ${what} ${options}`)

      const { result, prefix } = await importInto(bytes)

      expect(result).toMatchObject({ refusal: { status: 400 }, words: expect.stringMatching(expected) })
      const { repositories: known } = JSON.parse(String(await fetched('_catalog?n=1000')))
      for (const name of known.filter((name: string) => name.startsWith(`${prefix}/`))) {
        const tags = await fetch(`${registry.url}/v2/${name}/tags/list`)
        expect(JSON.parse(await tags.text()).tags ?? []).toEqual([])
      }
    })
  })

describe.runIf(sharedFolder)('a bundle is installed, pulled and run with an image', () => {
  const BASE = 'localhost/bundle-formats/probe:1'
  const OTHER = 'localhost/com/example/addition:1.0.0'
  let engine: EngineProgram
  /** The file system of the images: one static program, and folders. */
  let content: string

  const inFolder = (name: string): string => join(folder, name)

  beforeAll(async () => {
    // podman writes these images, whichever engine runs the tasks.
    engine = await detectProgram('podman', { instance: `test-${process.pid}` })
    content = await makeContent()
    await execute('tar', ['-cf', inFolder('rootfs.tar'), '-C', content, '.'])
    await importRootfs(BASE)
    await importRootfs(OTHER, 'ENV WHICH=other')
    // Before the first pull: podman 4 cannot write a docker-archive with a layer that was pulled with zstd compression.
    await save('docker-archive', 'docker-archive.tar', BASE)
    await save('docker-archive', 'several.tar', BASE, OTHER)
    await save('oci-archive', 'oci-archive.tar', BASE)
  })

  afterAll(async () => {
    await callEngine(engine, 'rmi', '--force', BASE, OTHER).catch(() => undefined)
  })

  async function importRootfs(name: string, ...changes: readonly string[]): Promise<void> {
    const all = ['ENTRYPOINT ["/probe-task"]', ...changes].flatMap((change) => ['--change', change])
    await callEngine(engine, 'import', ...all, inFolder('rootfs.tar'), name)
  }

  async function save(format: string, file: string, ...images: readonly string[]): Promise<void> {
    const several = images.length > 1 ? ['--multi-image-archive'] : []
    await callEngine(engine, 'save', ...several, '--format', format, '--output', inFolder(file), ...images)
  }

  async function skopeo(source: string, target: string, ...options: readonly string[]): Promise<void> {
    await execute('skopeo', ['copy', '--quiet', ...options, source, target])
  }

  /** Runs the image. @returns the output of its program */
  async function outputOf(reference: string): Promise<string> {
    const outputs = await mkdtemp(inFolder('outputs-'))
    const options = ['--rm', '--network=none', ...engine.runArguments, '--volume', `${outputs}:/outputs`]
    await callEngine(engine, 'run', ...options, reference)
    return await readFile(join(outputs, 'result'), 'utf8')
  }

  async function installedFrom(tar: string, namespace = 'com.example.tool'): Promise<TaskImage> {
    const bundle = await packZip([
      { name: 'descriptor.yml', body: aDescriptorText({ namespace }) },
      { name: 'image.tar', body: await readFile(inFolder(tar)) },
    ])
    return imageOf(await importInto(bundle))
  }

  it.each<[tool: string, tar: string, make: () => Promise<void>]>([
    ['podman save', 'docker-archive.tar', async () => {}],
    ['podman save --format oci-archive', 'oci-archive.tar', async () => {}],
    [
      'skopeo copy to docker-archive:',
      'skopeo-docker.tar',
      () =>
        skopeo(
          `oci-archive:${inFolder('oci-archive.tar')}`,
          `docker-archive:${inFolder('skopeo-docker.tar')}`,
        ),
    ],
    [
      'skopeo copy to oci-archive:',
      'skopeo-oci.tar',
      () =>
        skopeo(
          `docker-archive:${inFolder('docker-archive.tar')}`,
          `oci-archive:${inFolder('skopeo-oci.tar')}`,
        ),
    ],
    [
      'skopeo copy to oci-archive: with zstd',
      'skopeo-zstd.tar',
      () =>
        skopeo(
          `docker-archive:${inFolder('docker-archive.tar')}`,
          `oci-archive:${inFolder('skopeo-zstd.tar')}`,
          '--dest-compress-format=zstd',
          '--dest-compress',
        ),
    ],
    ['umoci', 'umoci.tar', () => makeWithUmoci('umoci.tar')],
    [
      'buildah push to docker-archive:',
      'buildah-docker.tar',
      () => makeWithBuildah('docker-archive', 'buildah-docker.tar'),
    ],
    [
      'buildah push to oci-archive:',
      'buildah-oci.tar',
      () => makeWithBuildah('oci-archive', 'buildah-oci.tar'),
    ],
  ])('that was written by %s', async (_, tar, make) => {
    await make()

    const image = await installedFrom(tar)

    await pulledDiffIds(image)
    const reference = `${registry.host}/${image.repository}@${image.digest}`
    await callEngine(engine, 'pull', '--quiet', '--tls-verify=false', reference)
    expect(await outputOf(reference)).toBe('done')
    await callEngine(engine, 'rmi', reference)
  })

  it('that the descriptor names, and is refused if none of several images has that name', async () => {
    const image = await installedFrom('several.tar', 'com.example.addition')

    const manifest = JSON.parse(String(await fetched(`${image.repository}/manifests/${image.digest}`)))
    const config = JSON.parse(String(await fetched(`${image.repository}/blobs/${manifest.config.digest}`)))
    expect(config.config.Env).toContain('WHICH=other')
    await expect(installedFrom('several.tar', 'com.example.nobody')).rejects.toThrow(
      /2 images .*probe:1.*com\/example\/addition:1\.0\.0/u,
    )
  })

  /** Creates the content, which differs between test runs because engines cache layers. */
  async function makeContent(): Promise<string> {
    const bundle = await openZip(bufferSource(await readFile(PROBE_BUNDLE)))
    const image = bundle.entries.find(({ name }) => name === 'image.tar')
    if (image === undefined) throw new Error('the probe task has no image')
    await writeFile(inFolder('probe.tar'), await readZipEntry(bundle, image, 2 ** 20))
    const layers = inFolder('probe-layers')
    await skopeo(`docker-archive:${inFolder('probe.tar')}`, `dir:${layers}`, '--dest-decompress')
    const manifest = JSON.parse(await readFile(join(layers, 'manifest.json'), 'utf8'))
    const layer = manifest.layers[0].digest.replace('sha256:', '')
    const target = await mkdtemp(inFolder('content-'))
    await execute('tar', ['-xf', join(layers, layer), '-C', target])
    await writeFile(join(target, 'made'), randomUUID())
    return target
  }

  /** Builds two layers, the second with the program, in a separate store. */
  async function makeWithBuildah(format: 'docker-archive' | 'oci-archive', tar: string): Promise<void> {
    const home = await mkdtemp(inFolder('buildah-'))
    const store = ['--root', join(home, 'root'), '--runroot', join(home, 'run'), '--storage-driver', 'vfs']
    const buildah = (...words: readonly string[]) => execute('buildah', [...store, ...words])
    const lines = ['FROM scratch', 'COPY made /made', 'COPY . /', 'ENTRYPOINT ["/probe-task"]']
    await writeFile(join(home, 'Dockerfile'), lines.join('\n'))
    await buildah('build', '--layers', '--tag', 'probe', '--file', join(home, 'Dockerfile'), content)
    await buildah('push', 'probe', `${format}:${inFolder(tar)}`)
  }

  /** Builds an OCI layout with a tool that shares no code with the others. */
  async function makeWithUmoci(tar: string): Promise<void> {
    const layout = inFolder('umoci')
    const image = ['--image', `${layout}:latest`]
    await execute('umoci', ['init', '--layout', layout])
    await execute('umoci', ['new', ...image])
    await execute('umoci', ['insert', ...image, content, '/'])
    await execute('umoci', ['config', ...image, '--config.entrypoint', '/probe-task'])
    await execute('umoci', ['gc', '--layout', layout])
    await execute('tar', ['-cf', inFolder(tar), '-C', layout, '.'])
  }
})
