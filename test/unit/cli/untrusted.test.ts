import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { copyOutputs } from '../../../cli/outputs/copy-outputs.ts'
import { writeBelow } from '../../../cli/outputs/write-below.ts'
import { runProgram } from '../../../cli/program.ts'
import { openService } from '../../../cli/service/service.ts'
import { shownJson, shownText } from '../../../src/shared/shown-text.ts'
import { createFollow } from '../../../stager/symbolic-links.ts'
import { runCommand } from '../../fixtures/cli-program.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

const folders: string[] = []
afterEach(() => {
  closeWebServers()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** An output folder that a container has written, a target folder, and a file of the user. */
function aMachine() {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'untrusted-')))
  folders.push(root)
  const [written, target, secret] = [join(root, 'written'), join(root, 'target'), join(root, 'secret')]
  mkdirSync(written)
  mkdirSync(target)
  writeFileSync(secret, 'secret')
  const outputs = ['array', 'result', 'leak', 'leak2', 'tool']
  const from = { folder: written, follow: createFollow(written, '/outputs'), outputs }
  const copy = (signal = new AbortController().signal) => copyOutputs({ ...from, signal }, target)
  return { root, written, target, secret, copy }
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

describe('files that a container wrote', () => {
  it('are copied with their folders, and links within the folder as the files that they lead to', async () => {
    const { written, target, copy } = aMachine()
    mkdirSync(join(written, 'array'))
    writeFileSync(join(written, 'array/0'), 'zero')
    symlinkSync('/outputs/array/0', join(written, 'result'))
    symlinkSync('..', join(written, 'array/up'))

    expect(await copy()).toEqual({ copied: ['array', 'result'], undeclared: [] })

    expect(readFileSync(join(target, 'result'), 'utf8')).toBe('zero')
    expect(readFileSync(join(target, 'array/0'), 'utf8')).toBe('zero')
    expect(readdirSync(join(target, 'array'))).toEqual(['0'])
  })

  it('are not copied after an interruption', async () => {
    const { written, copy } = aMachine()
    writeFileSync(join(written, 'result'), 'new')

    await expect(copy(AbortSignal.abort())).rejects.toThrow('aborted')
  })

  it('are not copied through links that leave the folder, and lose set-uid bits', async () => {
    const { written, target, secret, copy } = aMachine()
    symlinkSync(secret, join(written, 'leak'))
    symlinkSync('../secret', join(written, 'leak2'))
    writeFileSync(join(written, 'tool'), 'x')
    chmodSync(join(written, 'tool'), 0o4755)

    expect(await copy()).toMatchObject({ copied: ['tool'] })

    expect(readdirSync(target)).toEqual(['tool'])
    expect(lstatSync(join(target, 'tool')).mode & 0o7111).toBe(0)
  })

  it('replace no file of the user for which no output is declared', async () => {
    const { written, target, copy } = aMachine()
    writeFileSync(join(target, 'Makefile'), 'of the user')
    mkdirSync(join(target, '.git'))
    mkdirSync(join(written, '.git'))
    for (const name of ['Makefile', '.git/config', 'result'])
      writeFileSync(join(written, name), 'of the task')

    expect(await copy()).toEqual({ copied: ['result'], undeclared: ['.git', 'Makefile'] })

    expect(readFileSync(join(target, 'Makefile'), 'utf8')).toBe('of the user')
    expect(readdirSync(join(target, '.git'))).toEqual([])
  })

  it('replace a link of an earlier run without following it', async () => {
    const { target, secret } = aMachine()
    symlinkSync(secret, join(target, 'result'))

    await writeBelow(target, 'result', bytesOf('new'))

    expect(readFileSync(secret, 'utf8')).toBe('secret')
    expect(readFileSync(join(target, 'result'), 'utf8')).toBe('new')
  })

  it('are not written through a folder that is a link', async () => {
    const { root, target } = aMachine()
    mkdirSync(join(root, 'ssh'))
    symlinkSync(join(root, 'ssh'), join(target, 'array'))

    await expect(writeBelow(target, 'array/keys', bytesOf('x'))).rejects.toThrow(
      /array is a link; remove it/u,
    )
    expect(readdirSync(join(root, 'ssh'))).toEqual([])
  })
})

describe('a text of a task', () => {
  it('keeps lines, tabs and colours, and escapes other control sequences', () => {
    const text = 'a\tb\r\n\u001b[31mred\u001b[0m \u001b]52;c;eA==\u0007 \u009b2J 10 %\r20 %\u202e'

    expect(shownText(text)).toBe(
      'a\tb\n\u001b[31mred\u001b[0m \\u{1b}]52;c;eA==\\u{7} \\u{9b}2J 10 %\n20 %\\u{202e}',
    )
  })

  it('keeps its meaning in JSON without control characters', () => {
    const value = ['\u009b2J\u2028', 'é']
    const json = shownJson(JSON.stringify(value))

    expect(json).not.toMatch(/[\u007f-\u009f\u2028]/u)
    expect(JSON.parse(json)).toEqual(value)
  })
})

describe('the log of a run in a service', () => {
  const ID = '00000001-0000-4000-8000-000000000000'
  const PIECES = [
    'first \u001b]0;title\u0007\n',
    'late\n',
    '[app-engine] run failed (task-failed): exit code 3\n',
  ]

  async function aService(): Promise<string> {
    const { href } = await aWebServer(({ url = '' }, response) => {
      if (!url.includes('/logs')) return response.end(JSON.stringify({ id: ID, state: 'FAILED' }))
      const piece = Number(new URL(url, 'http://service').searchParams.get('after'))
      response.setHeader('x-log-next', String(piece + 1))
      response.setHeader('x-log-complete', String(piece === PIECES.length - 1))
      return response.end(PIECES[piece])
    })
    return href
  }

  it('is printed to its end, followed by the reason of a failure', async () => {
    const { stdout, code } = await runCommand(['logs', ID, '--url', await aService()])

    expect(stdout).toBe(PIECES.join(''))
    expect(code).toBe(0)
  })

  it('cannot control the terminal', async () => {
    let stdout = ''
    const stream = {
      isTTY: true,
      write(text: string) {
        stdout += text
      },
    }

    await runProgram(['logs', ID, '--url', await aService()], { stdout: stream, stderr: stream, env: {} })

    expect(stdout).toContain('first \\u{1b}]0;title\\u{7}')
  })
})

describe('a response of a service', () => {
  it('may take hours once it has started', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    let end = (): unknown => undefined
    const { href } = await aWebServer((_, response) => {
      response.write('begin ')
      end = () => response.end('end')
    })

    const answer = await (await openService({ url: href, auth: 'none' })).call('task-runs/x/outputs.zip')
    vi.advanceTimersByTime(3_600_000)
    end()

    expect(await answer.text()).toBe('begin end')
  })
})
