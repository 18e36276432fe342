import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'

const INTERVAL_SECONDS = 15

/** Runs a case of test/fixtures/saver.py to the end of its last process. */
async function run(name: string): Promise<{ readonly folder: string; readonly stdout: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'saver-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const env = { ...process.env, PYTHONPATH: resolve('local'), PYTHONDONTWRITEBYTECODE: '1' }
  const words = ['test/fixtures/saver.py', folder, name]
  const ended = promisify(execFile)('python3', words, { env })
  // An error with a signal has the output too.
  const { stdout } = await ended.catch((error: { readonly stdout: string; readonly signal?: string }) => {
    if (error.signal !== 'SIGKILL') throw error
    return error
  })
  return { folder, stdout }
}

/** Runs a case that ends by itself. @returns its report, and whether a complete save was recorded */
async function outcome(name: string): Promise<{ readonly hasSaved: boolean; readonly report: unknown }> {
  const { folder, stdout } = await run(name)
  return { hasSaved: existsSync(join(folder, 'saved-at')), report: JSON.parse(stdout) }
}

describe('a save of the emulator', () => {
  it('records its start when all states are saved, and is followed by a longer pause if it was slow', async () => {
    const startedAt = Date.now() / 1000
    const { folder, stdout } = await run('complete')

    expect(JSON.parse(stdout)).toEqual({ pause: expect.any(Number), log: [] })
    expect(JSON.parse(stdout).pause).toBeGreaterThan(INTERVAL_SECONDS)
    expect(JSON.parse(readFileSync(join(folder, 'last.json'), 'utf8'))).toBe(2)
    expect(Number(readFileSync(join(folder, 'saved-at'), 'utf8'))).toBeGreaterThan(startedAt - 0.01)
  })

  it('closes inherited descriptors on a system without a limit', async () => {
    const { folder, stdout } = await run('unlimited')

    expect(JSON.parse(stdout)).toEqual({ saved: true, log: [] })
    expect(JSON.parse(readFileSync(join(folder, 'last.json'), 'utf8'))).toBe(false)
  })

  it('is reported as failed when a state was not written, and is repeated soon', async () => {
    expect(await outcome('failed_write')).toEqual({
      hasSaved: false,
      report: { pause: INTERVAL_SECONDS, log: ['a save failed: its process ended with exit code 1'] },
    })
  })

  it('is reported as failed when it throws', async () => {
    expect(await outcome('failed_build')).toEqual({
      hasSaved: false,
      report: { saved: false, log: ['a save failed: its process ended with exit code 1'] },
    })
  })

  it('is killed at a limit that grows, is repeated soon, and succeeds once it can', async () => {
    const stopped: unknown = expect.stringMatching(/^a save was stopped after [\d.]+ s, before its end$/u)

    expect(await outcome('stuck_twice')).toEqual({
      hasSaved: true,
      report: {
        pauses: [INTERVAL_SECONDS, INTERVAL_SECONDS],
        limits: [1, 2],
        left: false,
        saved: true,
        limit: 0.5,
        log: [stopped, stopped],
      },
    })
  })

  it('does not begin after the last save of the emulator', async () => {
    expect(await outcome('ending')).toEqual({
      hasSaved: false,
      report: { services: ['first', 'last'], pause: INTERVAL_SECONDS, log: [] },
    })
  })

  it('is not recorded by a forked process whose parent was killed', async () => {
    const { folder } = await run('orphan')

    expect(JSON.parse(readFileSync(join(folder, 'last.json'), 'utf8'))).toBe(2)
    expect(existsSync(join(folder, 'saved-at'))).toBe(false)
  })
})
