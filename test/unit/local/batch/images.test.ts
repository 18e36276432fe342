import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { createImageCache, type EngineImages } from '../../../../local/batch/images.ts'
import { fakeEngineOfEachTest } from '../../../fixtures/fake-engine.ts'

const REFERENCE = '127.0.0.1:5000/tasks/count@sha256:0'

/** Fake engine. Its only image is a file, which `pull` creates. The file `calls` has one line for each of its calls. */
const fake = fakeEngineOfEachTest(`
echo "$1" >> calls
case $1 in
  image) exec test -e image ;;
  pull) exec touch image ;;
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

  it('are pulled again after they were removed and forgotten', async () => {
    await images.ensure(REFERENCE)
    rmSync(join(fake().folder, 'image'))

    images.forget(REFERENCE)
    await images.ensure(REFERENCE)

    expect(calls()).toEqual(['image', 'pull', 'image', 'pull'])
  })
})
