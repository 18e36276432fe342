/*
 * Builds the bundles of the example and of the tests' own tasks: descriptor.yml and a docker-archive with one layer, one static
 * program. Without a base image and with fixed times and owners, the same sources and compiler give the same bytes:
 *
 *   node examples/build-bundle.ts
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { pack } from 'tar-stream'
import { ZipFile } from 'yazl'

const ROOT = join(import.meta.dirname, '..')
const FOLDERS = ['examples/add-and-echo', 'test/fixtures/probe-task', 'test/fixtures/hostile-task'] as const
/** The earliest time that a zip entry can have. */
const FIXED_TIME = new Date('1980-01-01T00:00:00Z')

/** Compilers for small static programs, best first; the second needs the static C library. */
const COMPILERS = ['musl-gcc', 'gcc'] as const

for (const folder of FOLDERS) await buildBundle(join(ROOT, folder))

async function buildBundle(folder: string): Promise<void> {
  const name = basename(folder)
  const program = compile(join(folder, `${name}.c`))
  if (program === undefined) {
    console.log(`${name}: no C compiler (${COMPILERS.join(', ')}), the bundle stays as it is`)
    return
  }
  const image = await packImage(name, program)
  const zip = new ZipFile()
  const options = { mtime: FIXED_TIME, mode: 0o100644, forceDosTimestamp: true }
  zip.addBuffer(readFileSync(join(folder, 'descriptor.yml')), 'descriptor.yml', options)
  zip.addBuffer(image, 'image.tar', options)
  zip.end()
  const target = join(folder, `${name}.zip`)
  await pipeline(zip.outputStream, createWriteStream(target))
  console.log(`${name}: ${readFileSync(target).length} bytes`)
}

function compile(source: string): Buffer | undefined {
  const workFolder = mkdtempSync(join(tmpdir(), 'bundle-'))
  const program = join(workFolder, 'program')
  try {
    for (const compiler of COMPILERS) {
      try {
        execFileSync(
          compiler,
          ['-static', '-Os', '-s', '-Wall', '-Wextra', '-Werror', '-o', program, source],
          {
            stdio: 'inherit',
          },
        )
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue
        throw error
      }
      if (existsSync(program)) return readFileSync(program)
    }
    return undefined
  } finally {
    rmSync(workFolder, { recursive: true, force: true })
  }
}

/** A docker-archive in the form of `docker save` before version 25. */
async function packImage(name: string, program: Buffer): Promise<Buffer> {
  const layer = await packTar([
    { name: `${name}`, content: program, mode: 0o755 },
    // Mount points, so that engines need not create them.
    { name: 'inputs/', mode: 0o755 },
    { name: 'outputs/', mode: 0o755 },
  ])
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    created: FIXED_TIME.toISOString(),
    config: { Entrypoint: [`/${name}`], WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
    history: [{ created: FIXED_TIME.toISOString(), created_by: 'examples/build-bundle.ts' }],
  })
  const configName = `${sha256(Buffer.from(config))}.json`
  const layerName = `${sha256(layer)}/layer.tar`
  const manifest = [{ Config: configName, RepoTags: [`localhost/${name}:1.0.0`], Layers: [layerName] }]
  return packTar([
    { name: 'manifest.json', content: Buffer.from(JSON.stringify(manifest)), mode: 0o644 },
    { name: configName, content: Buffer.from(config), mode: 0o644 },
    { name: layerName, content: layer, mode: 0o644 },
  ])
}

async function packTar(
  entries: readonly { readonly name: string; readonly content?: Buffer; readonly mode: number }[],
): Promise<Buffer> {
  const tar = pack()
  for (const { name, content, mode } of entries) {
    const type = content === undefined ? 'directory' : 'file'
    tar.entry({ name, mode, type, mtime: FIXED_TIME, uid: 0, gid: 0 }, content ?? Buffer.alloc(0))
  }
  tar.finalize()
  return buffer(tar)
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
