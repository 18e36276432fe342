import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { VERSION } from '../../../cli/version.ts'
import { aLayer, dockerArchive, packTar } from '../../fixtures/bundle-builder.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

const execute = promisify(execFile)
const BUNDLE = resolve('examples/add-and-echo/add-and-echo.zip')

/** Path of a Node 20 on PATH, which the package supports; the project's own Node is newer. */
const NODE_20 = (process.env.PATH ?? '')
  .split(delimiter)
  .map((place) => join(place, 'node'))
  .find((node) => spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.startsWith('v20.'))

/** Tarball, as `npm pack --json` describes it. */
interface Packed {
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string }[]
}

let folder = ''
let packed: Packed
let tarball = ''
let program = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'package-'))
  const source = join(folder, 'source')
  await execute(process.execPath, ['cli/package/build.ts', source])
  const { stdout } = await execute('npm', ['pack', '--json', '--pack-destination', folder, source])
  ;[packed] = JSON.parse(stdout) as [Packed]
  tarball = join(folder, packed.filename)
  const place = join(folder, 'empty')
  await execute('npm', ['install', '--offline', '--no-audit', '--prefix', place, tarball])
  program = join(place, 'node_modules/.bin/cytomine-task')
}, 120_000)
afterEach(closeWebServers)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A service that imports one upload. */
async function aService(): Promise<string> {
  const upload = {
    id: 'id',
    state: 'CREATED',
    partSizeBytes: 50_000_000,
    progress: null,
    task: null,
    error: null,
  }
  const { href } = await aWebServer(async (request, response) => {
    await buffer(request)
    const answers: Readonly<Record<string, object>> = {
      'POST /uploads': upload,
      'POST /uploads/id/part-urls': { parts: [{ url: `http://${request.headers.host}/part` }] },
      'PUT /part': {},
      'POST /uploads/id/complete': upload,
      'GET /uploads/id': { ...upload, state: 'READY', task: { namespace: 'a', version: '1.0.0' } },
    }
    const answer = answers[`${request.method} ${request.url}`]
    response.statusCode = answer === undefined ? 404 : 200
    response.end(JSON.stringify(answer ?? { message: 'Task not found.', details: { type: 'empty' } }))
  })
  return href
}

const installed = (name: string): string => join(folder, 'empty/node_modules/cytomine-task', name)

describe('the package of cytomine-task', () => {
  it('has less than 2 MB, packed and unpacked, and no other files than these', () => {
    expect(Math.max(packed.size, packed.unpackedSize)).toBeLessThan(2_000_000)
    expect(packed.files.map(({ path }) => path).sort()).toEqual([
      'LICENSE',
      'README.md',
      'THIRD-PARTY.txt',
      'dist/cytomine-task.cjs',
      ...readdirSync('local/embedded/launcher')
        .filter((name) => name.endsWith('.py'))
        .map((name) => `dist/launcher/${name}`)
        .sort(),
      'dist/probe.zip',
      'dist/program.cjs',
      'package.json',
    ])
  })

  it('has no dependencies', () => {
    const manifest = JSON.parse(readFileSync(installed('package.json'), 'utf8')) as object

    expect(manifest).not.toHaveProperty('dependencies')
    expect(readdirSync(join(folder, 'empty/node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
      'cytomine-task',
    ])
  })

  it('contains the licences of its dependencies', () => {
    const text = readFileSync(installed('THIRD-PARTY.txt'), 'utf8')

    for (const name of ['commander', 'yaml', 'yauzl', 'zod'])
      expect(text).toMatch(new RegExp(`^${name} \\d`, 'mu'))
    expect(readFileSync(installed('LICENSE'), 'utf8')).toContain('Apache License')
  })

  it('creates a valid task in an empty folder', async () => {
    const cwd = join(folder, 'empty')

    await execute(program, ['init', 'my-task'], { cwd })
    const { stdout } = await execute(program, ['validate', 'my-task'], { cwd })

    expect(stdout).toBe('no problems in org.example.my-task 0.1.0\n')
  })

  it('runs after a global installation', async () => {
    const prefix = join(folder, 'global')

    await execute('npm', ['install', '--global', '--offline', '--no-audit', '--prefix', prefix, tarball])
    const { stdout } = await execute(join(prefix, 'bin/cytomine-task'), ['--version'], { cwd: folder })

    expect(stdout).toBe(`${VERSION}\n`)
  })

  it('runs by npx in an empty folder', async () => {
    const cwd = mkdtempSync(join(folder, 'npx-'))
    // An empty folder, because npx stores installed packages in npm's cache.
    const env = { ...process.env, npm_config_cache: join(folder, 'npm-cache'), npm_config_offline: 'true' }
    const npx = ['--yes', '--package', tarball, 'cytomine-task']

    await execute('npx', [...npx, 'init', 'my-task'], { cwd, env })
    const { stdout } = await execute('npx', [...npx, 'validate', 'my-task'], { cwd, env })

    expect(stdout).toBe('no problems in org.example.my-task 0.1.0\n')
  })

  it('checks a bundle', async () => {
    const { stdout } = await execute(program, ['validate', BUNDLE, '--json'])

    expect(JSON.parse(stdout)).toMatchObject({ valid: true })
  })

  it.runIf(NODE_20 !== undefined)('works with Node 20', async () => {
    const cwd = mkdtempSync(join(folder, 'node20-'))
    const start = (...words: readonly string[]) =>
      execute(String(NODE_20), [installed('dist/cytomine-task.cjs'), ...words], { cwd })

    await start('init', 'my-task')
    const valid = await start('validate', 'my-task')
    const checked = await start('validate', BUNDLE, '--json')
    const refused = await start('run', BUNDLE, '-i', 'a=many').catch((error: unknown) => error)

    expect(valid.stdout).toBe('no problems in org.example.my-task 0.1.0\n')
    expect(JSON.parse(checked.stdout)).toMatchObject({ valid: true })
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^"a": "many" is not an integer/u),
    })
  })

  it('works where Node lacks what came after version 20.0', async () => {
    const older = join(folder, 'node-20-0.cjs')
    const missing = [
      ['AbortSignal', 'any'],
      ['ArrayBuffer.prototype', 'transfer'],
      ['Array', 'fromAsync'],
      ['Map', 'groupBy'],
      ['Promise', 'withResolvers'],
      ['ReadableStream', 'from'],
      ['Set.prototype', 'union'],
      ["require('node:util')", 'styleText'],
      ["require('node:zlib')", 'crc32'],
      ["require('node:zlib')", 'createZstdDecompress'],
    ]
    writeFileSync(older, missing.map(([owner, name]) => `delete ${owner}.${name}\n`).join(''))
    const env = { ...process.env, NODE_OPTIONS: `--require=${older}` }
    const cwd = mkdtempSync(join(folder, 'older-'))

    await execute(program, ['init', 'my-task'], { env, cwd })
    const valid = await execute(program, ['validate', 'my-task'], { env, cwd })
    const checked = await execute(program, ['validate', BUNDLE, '--json'], { env, cwd })
    const sent = await execute(program, ['upload', BUNDLE, '--json', '--url', await aService()], { env, cwd })

    expect(valid.stdout).toBe('no problems in org.example.my-task 0.1.0\n')
    expect(JSON.parse(checked.stdout)).toMatchObject({ valid: true })
    expect(JSON.parse(sent.stdout)).toEqual({ task: 'a 1.0.0', sentBytes: statSync(BUNDLE).size })
  })

  it('names the Node that it needs', async () => {
    const older = join(folder, 'too-old-node.cjs')
    writeFileSync(older, "Object.defineProperty(process, 'versions', { value: { node: '18.20.8' } })")
    const env = { ...process.env, NODE_OPTIONS: `--require=${older}` }

    const ended = await execute(program, ['--version'], { env }).catch((error: unknown) => error)

    expect(ended).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^cytomine-task needs Node 20 or newer; this is Node 18\.20\.8\n$/u),
    })
  })

  it('says which Node reads zstd where its own does not', async () => {
    const image = await dockerArchive({ layers: [await aLayer()], compression: 'zstd' })
    const archive = join(folder, 'zstd.tar')
    writeFileSync(archive, await packTar(image))
    const older = join(folder, 'older-node.cjs')
    writeFileSync(older, "delete require('node:zlib').createZstdDecompress")
    const env = { ...process.env, NODE_OPTIONS: `--require=${older}` }

    const ended = await execute(program, ['validate', archive], { env }).catch((error: unknown) => error)

    expect(ended).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(
        /^a layer .* zstd, which Node \S+ cannot read: use Node 22\.15 or newer, or save/u,
      ),
    })
  })
})

describe('cytomine-task in a clone', () => {
  it('is started by npm run task', async () => {
    const { stdout } = await execute('npm', ['run', '--silent', 'task', '--', '--version'])

    expect(stdout).toBe(`${VERSION}\n`)
  })
})

/** Modules that esbuild puts into a program, by path; the imports of packages are kept. */
async function modulesOf(entryPoint: string) {
  const { metafile } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    write: false,
    metafile: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
  })
  return metafile.inputs
}

describe('the program cytomine-task', () => {
  it.each([
    ['descriptors', 'src/task/descriptor/parse-task-descriptor.ts', 'lambdas/import-bundle/index.ts'],
    ['zip archives', 'src/archive/zip/read-zip.ts', 'lambdas/import-bundle/index.ts'],
    ['image archives', 'src/import/image/find-image.ts', 'lambdas/import-bundle/index.ts'],
    ['outputs', 'src/outputs/collect-outputs.ts', 'lambdas/collect-outputs/index.ts'],
  ])("reads %s with the service's own code", async (_, file, serviceEntry) => {
    expect(Object.keys(await modulesOf('cli/package/main.ts'))).toContain(file)
    expect(Object.keys(await modulesOf(serviceEntry))).toContain(file)
  })

  it('has no other parser of YAML', async () => {
    const modules = Object.entries(await modulesOf('cli/package/main.ts'))

    const importers = modules.filter(([, { imports }]) => imports.some(({ path }) => path === 'yaml'))
    expect(importers.map(([file]) => file)).toEqual(['src/task/yaml/yaml-document.ts'])
  })
})
