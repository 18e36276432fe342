import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openEngine } from '../../../cli/local-run/run-container.ts'
import { fakeEngineOfEachTest } from '../../fixtures/fake-engine.ts'

/** Loads an image without end; the number of the process is in a file. */
const fake = fakeEngineOfEachTest(
  `case $1 in
  --version) echo podman version 4.3.1 ;;
  load) echo $$ > process; exec sleep 1000 ;;
esac
`,
  'podman',
)
afterEach(() => vi.unstubAllEnvs())

describe('the search for a container engine', () => {
  it.each([undefined, 'podman'])('is ended by its signal, with the engine on trial (%s)', async (wanted) => {
    const { folder } = fake()
    vi.stubEnv('PATH', `${folder}:/usr/bin:/bin`)
    vi.stubEnv('ENGINE', wanted === undefined ? 'podman' : '')
    const controller = new AbortController()
    const file = join(folder, 'process')
    const search = openEngine(wanted, controller.signal)
    const ended = expect(search).rejects.toThrow('interrupted')
    await vi.waitUntil(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'), {
      timeout: 10_000,
    })

    controller.abort(new Error('interrupted'))
    await ended

    const process = Number(readFileSync(file, 'utf8'))
    expect(() => globalThis.process.kill(process, 0)).toThrow(/ESRCH/u)
  })
})
