import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const MODULE = JSON.stringify(join(import.meta.dirname, '../../../local/clean-up.ts'))
const HEAD = `import { cleanUp, temporaryFolder } from ${MODULE}
const print = (text) => console.log(text)
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))`

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clean-up-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Runs a program and sends SIGINT for each line "interrupt" that it prints. */
async function run(program: string): Promise<{ readonly end: number | string; readonly lines: string[] }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', `${HEAD}\n${program}`], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    for (const _ of text.matchAll(/^interrupt$/gmu)) child.kill('SIGINT')
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  const lines = output.split('\n').filter((line) => line !== '' && line !== 'interrupt')
  return { end: code ?? signal ?? '', lines }
}

describe('clean-ups of a program', () => {
  it('run at its end, newest first', async () => {
    const { end, lines } = await run(`
      await using a = cleanUp(async () => print('first'))
      await using b = cleanUp(async () => print('second'))
      print('work')`)

    expect(lines).toEqual(['work', 'second', 'first'])
    expect(end).toBe(0)
  })

  it('run when it is interrupted, newest first, and it exits with 130', async () => {
    const { end, lines } = await run(`
      await using a = cleanUp(async () => print('first'))
      await using b = cleanUp(async () => print('second'))
      print('interrupt')
      await pause(60_000)`)

    expect(lines).toEqual(['second', 'first'])
    expect(end).toBe(130)
  })

  it('are completed when it is interrupted again', async () => {
    const { end, lines } = await run(`
      await using a = cleanUp(async () => {
        print('interrupt')
        await pause(300)
        print('cleared')
      })
      print('interrupt')
      await pause(60_000)`)

    expect(lines).toEqual(['cleared'])
    expect(end).toBe(130)
  })

  it('all run even if one of them fails', async () => {
    const { end, lines } = await run(`
      await using a = cleanUp(async () => print('first'))
      await using b = cleanUp(async () => { console.error = print; throw 'it failed' })
      print('interrupt')
      await pause(60_000)`)

    expect(lines).toEqual(['it failed', 'first'])
    expect(end).toBe(130)
  })

  it('prevent errors about removed resources after an interruption', async () => {
    const { end, lines } = await run(`
      let fail
      const gone = new Promise((_, reject) => { fail = reject })
      await using a = cleanUp(async () => { fail(new Error('gone')); await pause(100); print('cleared') })
      print('interrupt')
      setTimeout(() => {}, 60_000)
      await gone`)

    expect(lines).toEqual(['cleared'])
    expect(end).toBe(130)
  })

  it('do not handle interruptions after they have run', async () => {
    const { end } = await run(`
      { await using a = cleanUp(async () => {}) }
      print('interrupt')
      await pause(60_000)`)

    expect(end).toBe('SIGINT')
  })

  it('remove temporary folders', async () => {
    const { lines } = await run(`
      await using temporary = await temporaryFolder('probe-')
      print(temporary.path)
      print('interrupt')
      await pause(60_000)`)

    expect(lines[0]).toContain(folder)
    expect(existsSync(lines[0] ?? '')).toBe(false)
    expect(await readdir(folder)).toEqual([])
  })
})
