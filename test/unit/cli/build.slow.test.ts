import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openZip } from '../../../src/archive/zip/read-zip.ts'
import { imageName } from '../../../src/import/image-name.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import { aLayer, digestOf, dockerArchive, packTar } from '../../fixtures/bundle-builder.ts'
import { runCommand } from '../../fixtures/cli-program.ts'
import { aDescriptorText, anElf } from '../../fixtures/task-folder.ts'

let folder = ''
let task = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'build-'))
  task = join(folder, 'task')
  mkdirSync(task)
  writeFileSync(join(task, 'descriptor.yml'), aDescriptorText())
  writeFileSync(join(task, 'Dockerfile'), 'FROM scratch\n')
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

/** Puts a program named docker in front of PATH, which records its calls and saves an image of these layers. */
async function putDocker(layers: readonly Buffer[]): Promise<void> {
  const image = await dockerArchive({ layers, command: { Entrypoint: ['/main'] } })
  writeFileSync(join(folder, 'saved.tar'), await packTar(image))
  const programs = join(folder, 'bin')
  mkdirSync(programs)
  const script = `#!/bin/sh
echo "$@" >> '${folder}/calls'
if [ "$1" = save ]; then cp '${folder}/saved.tar' "$3"; fi
`
  writeFileSync(join(programs, 'docker'), script)
  chmodSync(join(programs, 'docker'), 0o755)
  vi.stubEnv('PATH', `${programs}${delimiter}${process.env.PATH}`)
}

const callsOfDocker = (): readonly string[] =>
  readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n')

/** A small layer with a program, and one of more than 1 MB. */
const someLayers = async (): Promise<[Buffer, Buffer]> => [
  await packTar([{ name: 'main', body: anElf(), mode: 0o755 }]),
  await aLayer(Buffer.alloc(2_500_000, 1), 'model'),
]

describe('build with docker', () => {
  it('builds the image for linux/amd64 and saves it', async () => {
    await putDocker(await someLayers())

    const { code } = await runCommand(['build', task])

    const { repository, tag } = imageName('localhost/cytomine-task', 'com.example.count', '1.0.0')
    const [probe, build, save, ...others] = callsOfDocker()
    expect(probe).toMatch(/^version /u)
    expect(build).toBe(`build --platform linux/amd64 --tag ${repository}:${tag} ${task}`)
    expect(save).toMatch(new RegExp(`^save --output ${task}/\\S+/image\\.tar ${repository}:${tag}$`, 'u'))
    expect(others).toEqual([])
    expect(code).toBe(0)
  })

  it('prints each layer with its size, and the path of the bundle', async () => {
    const [program, model] = await someLayers()
    await putDocker([program, model])

    const { stdout } = await runCommand(['build', task])

    const shown = (layer: Buffer) => digestOf(layer).slice(0, 'sha256:'.length + 12)
    expect(stdout.trimEnd().split(/ *\n/u)).toEqual([
      expect.stringMatching(/^LAYER +SIZE +UNPACKED$/u),
      expect.stringMatching(new RegExp(`^${shown(program)} +2\\.0 kB +2\\.0 kB$`, 'u')),
      expect.stringMatching(new RegExp(`^${shown(model)} +2\\.5 MB +2\\.5 MB$`, 'u')),
      expect.stringContaining('no problems'),
      join(task, '.cytomine-task/com.example.count-1.0.0.zip'),
    ])
  })

  it('keeps the bundle and the state of its upload when nothing has changed, also without .dockerignore', async () => {
    await putDocker(await someLayers())
    await runCommand(['build', task])
    const bundle = join(task, '.cytomine-task/com.example.count-1.0.0.zip')
    writeFileSync(`${bundle}.upload.json`, '{}')
    const { mtimeMs } = statSync(bundle)

    await runCommand(['build', task])

    expect(statSync(bundle).mtimeMs).toBe(mtimeMs)
    expect(existsSync(`${bundle}.upload.json`)).toBe(true)
    expect(readFileSync(join(task, '.dockerignore'), 'utf8')).toBe('.cytomine-task\n')
  })

  it('replaces the bundle and the state of its upload when the descriptor has changed', async () => {
    await putDocker(await someLayers())
    await runCommand(['build', task])
    const bundle = join(task, '.cytomine-task/com.example.count-1.0.0.zip')
    writeFileSync(`${bundle}.upload.json`, '{}')
    writeFileSync(join(task, 'descriptor.yml'), aDescriptorText({ name: 'Other' }))

    await runCommand(['build', task])

    expect(readFileSync(bundle).includes('name: Other')).toBe(true)
    expect(existsSync(`${bundle}.upload.json`)).toBe(false)
  })

  it('adds .cytomine-task/ to .dockerignore and .containerignore', async () => {
    await putDocker(await someLayers())
    writeFileSync(join(task, '.dockerignore'), 'sample')
    writeFileSync(join(task, '.containerignore'), '.cytomine-task/\n')

    await runCommand(['build', task])

    expect(readFileSync(join(task, '.dockerignore'), 'utf8')).toBe('sample\n.cytomine-task\n')
    expect(readFileSync(join(task, '.containerignore'), 'utf8')).toBe('.cytomine-task/\n')
  })

  it('stores descriptor and image in the bundle without compression', async () => {
    await putDocker(await someLayers())

    await runCommand(['build', task])

    const zip = readFileSync(join(task, '.cytomine-task/com.example.count-1.0.0.zip'))
    const names = ['descriptor.yml', 'com.example.count-1.0.0.tar']
    const archive = await openZip(bufferSource(zip))
    expect(archive.entries.map(({ name }) => name)).toEqual(names)
    for (const entry of archive.entries) expect(await archive.stored(entry)).toBeDefined()
  })
})
