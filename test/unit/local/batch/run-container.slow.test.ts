import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runAsProcess, runInEngine } from '../../../../local/batch/run-container.ts'
import { fakeEngineOfEachTest } from '../../../fixtures/fake-engine.ts'
import { aContainer } from './builders.ts'

/**
 * Fake engine. Its container starts a second after `run`, even if the client has been killed, and then writes to the client's output
 * until it is killed. `kill` fails before that start.
 */
const fake = fakeEngineOfEachTest(`
case $1 in
  run)
    touch client
    # As conmon: in a session of its own.
    setsid sh -c 'sleep 1; echo $$ > container; exec sleep 60' &
    exec sleep 60 ;;
  kill) [ -e container ] && kill -9 "$(cat container)" ;;
esac
`)

function optionsWith(signal: AbortSignal) {
  const task = {
    container: aContainer({ name: 'task' }),
    jobId: 'job-1',
    attempt: 1,
    instance: 'test',
    root: fake().folder,
    directories: {},
  }
  return { task, logs: undefined, signal, onStarted: () => {} }
}

describe('a container whose job is cancelled', () => {
  it('is killed even if it starts after the engine’s client was killed', async () => {
    const ending = new AbortController()
    const run = runInEngine(fake().engine, 1, optionsWith(ending.signal), () => {})
    await expect.poll(() => existsSync(join(fake().folder, 'client'))).toBe(true)
    const begin = performance.now()

    ending.abort()
    await run

    expect(existsSync(join(fake().folder, 'container'))).toBe(true)
    // The container would run for a minute.
    expect(performance.now() - begin).toBeLessThan(20_000)
  })

  it('is not started if the job is cancelled before', async () => {
    const options = optionsWith(AbortSignal.abort())

    expect(await runInEngine(fake().engine, 1, options, () => {})).toEqual({ exitCode: 137 })
    expect(await runAsProcess(['touch', join(fake().folder, 'client')], options)).toEqual({ exitCode: 137 })
    expect(existsSync(join(fake().folder, 'client'))).toBe(false)
  })
})
