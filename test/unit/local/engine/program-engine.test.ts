import { existsSync, readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ContainerEngine, RunEnd } from '../../../../local/engine/container-run.ts'
import { createProgramEngine } from '../../../../local/engine/program-engine.ts'
import { fakeEngineOfEachTest } from '../../../fixtures/fake-engine.ts'
import { aContainer } from '../batch/builders.ts'

const IMAGE = '127.0.0.1:5000/tasks/count@sha256:0'

/** Fake engine. Its only image is a file, which `pull` creates unless a file `gone` exists. A container of the image ends at once. */
const fake = fakeEngineOfEachTest(`
case $1 in
  image) exec test -e image ;;
  pull)
    echo pull >> pulls
    [ ! -e gone ] || { echo 'Error: manifest unknown' >&2; exit 125; }
    exec touch image ;;
  run)
    echo run >> runs
    [ -e image ] || { echo 'Error: ${IMAGE}: image not known' >&2; exit 125; }
    [ ! -e broken ] || { echo 'Error: executable file not found' >&2; exit 127; } ;;
  inspect) exec false ;;
esac
`)
let engine: ContainerEngine
beforeEach(() => {
  const { engine: program, folder } = fake()
  engine = createProgramEngine(program, {
    instance: 'test',
    listFile: join(folder, 'pulled'),
    afterwards: () => {},
  })
})

async function run(): Promise<RunEnd> {
  const task = {
    container: { ...aContainer({ name: 'task' }), image: IMAGE },
    jobId: 'job-1',
    attempt: 1,
    instance: 'test',
    root: fake().folder,
    directories: {},
  }
  return engine.run({ task, logs: undefined, signal: new AbortController().signal, onStarted: () => {} })
}

const fileOf = (name: string): string => join(fake().folder, name)
const linesOf = (name: string): number => readFileSync(fileOf(name), 'utf8').trim().split('\n').length

describe('a container whose image was removed after its pull', () => {
  beforeEach(async () => {
    await engine.images.ensure(IMAGE)
    rmSync(fileOf('image'))
  })

  it('runs after another pull', async () => {
    expect(await run()).toEqual({ exitCode: 0 })
    expect(linesOf('pulls')).toBe(2)
  })

  it('runs together with other containers of the image', async () => {
    expect(await Promise.all([run(), run(), run()])).toEqual(Array(3).fill({ exitCode: 0 }))
  })

  it('fails if the registry no longer has the image', async () => {
    await createFile('gone')

    expect(await run()).toEqual({ reason: 'CannotPullContainerError: Error: manifest unknown' })
  })
})

describe('a container that cannot start for another reason', () => {
  it('is tried once', async () => {
    await engine.images.ensure(IMAGE)
    await createFile('broken')

    expect(await run()).toEqual({ reason: 'CannotStartContainerError: Error: executable file not found' })
    expect([linesOf('runs'), linesOf('pulls'), existsSync(fileOf('image'))]).toEqual([1, 1, true])
  })
})

async function createFile(name: string): Promise<void> {
  await writeFile(fileOf(name), '')
}
