import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { createImageCache, type EngineImages, loadArchive } from '../../../../local/batch/images.ts'
import { fakeEngineOfEachTest } from '../../../fixtures/fake-engine.ts'

const REFERENCE = '127.0.0.1:5000/tasks/count@sha256:0'

/** Fake engine. Its only image is a file, which `pull` creates. The file `calls` has one line for each of its calls. */
const fake = fakeEngineOfEachTest(`
echo "$1" >> calls
case $1 in
  image) exec test -e image ;;
  pull) exec touch image ;;
  load) cat "$3" >&2; exit 125 ;;
esac
`)
let images: EngineImages
beforeEach(() => {
  const { engine, folder } = fake()
  images = createImageCache(engine, join(folder, 'pulled'))
})

/** Subcommands that the engine was called with. */
const calls = (): readonly string[] => readFileSync(join(fake().folder, 'calls'), 'utf8').trim().split('\n')

describe('the images of a container engine', () => {
  it('are pulled once', async () => {
    await Promise.all([images.ensure(REFERENCE), images.ensure(REFERENCE)])

    expect(calls()).toEqual(['image', 'pull'])
  })

  it('are pulled once more when several jobs miss them', async () => {
    await images.ensure(REFERENCE)
    rmSync(join(fake().folder, 'image'))

    await Promise.all([images.restore(REFERENCE), images.restore(REFERENCE)])

    expect(calls()).toEqual(['image', 'pull', 'image', 'pull'])
  })
})

/** Error output of an engine that cannot load an archive. */
const PODMAN = `Error: payload does not match any of the supported image formats:
 * oci: open image.tar/index.json: not a directory
 * oci-archive: loading index: open /var/tmp/oci1/index.json: no such file or directory
 * docker-archive: writing blob: adding layer with blob "sha256:${'0'.repeat(64)}": processing tar file(duplicates of file paths not supported): exit status 1
 * dir: open ${'long/'.repeat(200)}image.tar/manifest.json: not a directory
`
const DOCKER = 'Error response from daemon: link /a /b: no such file or directory\n'

describe('an archive that cannot be loaded', () => {
  it.each([
    ['podman', PODMAN, /^docker-archive: writing blob: .*duplicates of file paths.*: exit status 1$/u],
    ['docker', DOCKER, /^Error response from daemon: link \/a \/b: no such file or directory$/u],
  ])('is reported with the reason of %s', async (_, output, message) => {
    const { engine, folder } = fake()
    writeFileSync(join(folder, 'output'), output)

    await expect(loadArchive(engine, 'output')).rejects.toThrow(message)
  })
})
