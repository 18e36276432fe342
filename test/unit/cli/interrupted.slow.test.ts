import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openWorkFolder } from '../../../cli/task/work-folder.ts'
import { runCommand } from '../../fixtures/cli-program.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'interrupted-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  closeWebServers()
  rmSync(folder, { recursive: true, force: true })
})

/** Starts a program that waits with a temporary folder, which it prints. `more` is executed first. */
async function aWaitingProgram(more = '') {
  const code = `
    import { withTemporaryFolder } from './cli/temporary-folder.ts'
    import { catchInterrupt } from './cli/terminal/interrupt.ts'
    ${more}
    await withTemporaryFolder(async (path) => {
      console.log(path)
      await new Promise((resolve) => {
        const timer = setInterval(() => {}, 1000)
        globalThis.end = () => resolve(clearInterval(timer))
      })
    }, process.env.PREFIX)`
  const program = spawn(process.execPath, ['--input-type=module-typescript', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PREFIX: join(folder, 'work-') },
  })
  const [path] = (await once(program.stdout.setEncoding('utf8'), 'data')) as [string]
  return { program, path: path.trim() }
}

describe('a temporary folder', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('is removed when %s ends the program', async (signal) => {
    const { program, path } = await aWaitingProgram()
    expect(existsSync(path)).toBe(true)

    program.kill(signal)
    const [, by] = await once(program, 'exit')

    expect(by).toBe(signal)
    expect(readdirSync(folder)).toEqual([])
  })

  it('is left to a command that ends in its own way', async () => {
    const { program } = await aWaitingProgram(
      "catchInterrupt().signal.addEventListener('abort', () => globalThis.end())",
    )

    program.kill('SIGINT')
    const [code] = await once(program, 'exit')

    expect(code).toBe(0)
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('a build', () => {
  it('removes what interrupted builds have left, but not the files of a build that is running', async () => {
    const work = join(folder, '.cytomine-task')
    const ended = spawn('true')
    await once(ended, 'exit')
    const running = `build-${process.pid}-ABCdef`
    for (const name of [`build-${ended.pid}-ABCdef`, 'build-ABCdef', running]) {
      mkdirSync(join(work, name), { recursive: true })
      writeFileSync(join(work, name, 'image.tar'), '')
    }
    writeFileSync(join(work, 'a.zip'), '')

    await openWorkFolder(folder)

    expect(readdirSync(work).sort()).toEqual(['.gitignore', 'a.zip', running])
  })
})

describe('a question before a deletion', () => {
  const ID = '279c70e2-3dd8-49a3-b253-27956325c74f'

  it.each([
    ['Ctrl-C', (typed: PassThrough) => typed.write('\u0003')],
    ['Ctrl-D', (typed: PassThrough) => typed.end()],
  ])('is ended by %s with exit code 130, and nothing is deleted', async (_, press) => {
    const calls: string[] = []
    const { href } = await aWebServer(({ method }, response) => {
      calls.push(method ?? '')
      response.end(JSON.stringify({ id: ID }))
    })
    const typed = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} })
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(typed as never)
    const shown = Object.assign(new PassThrough(), { isTTY: true, columns: 80 })
    vi.spyOn(process, 'stderr', 'get').mockReturnValue(shown as never)
    const asked = once(shown, 'data')
    const ended = runCommand(['delete', ID, '--url', href])
    await asked

    press(typed)
    const { code, stderr } = await ended

    expect(stderr).toBe('Nothing was deleted.\n')
    expect(code).toBe(130)
    expect(calls).toEqual(['GET'])
  })
})

describe('a result that cannot be written', () => {
  it.runIf(existsSync('/dev/full'))('ends the program with one sentence', () => {
    const full = openSync('/dev/full', 'w')

    const { status, stderr } = spawnSync(process.execPath, ['cli/main.ts', 'schema'], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    })
    closeSync(full)

    expect(stderr).toBe('the output is lost: a file cannot be written: no space is left on the disk\n')
    expect(status).toBe(1)
  })
})
