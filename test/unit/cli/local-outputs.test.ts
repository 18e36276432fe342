import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { closeRun } from '../../../cli/local-run/close-run.ts'
import { keepingOutputs, OutputsKeptError } from '../../../cli/outputs/keeping-outputs.ts'
import { writeBelow } from '../../../cli/outputs/write-below.ts'
import { createTerminal } from '../../../cli/terminal/terminal.ts'
import { runCommand } from '../../fixtures/cli-program.ts'
import { aTaskFolder } from '../../fixtures/task-folder.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outputs-'))
})
afterEach(() => {
  closeWebServers()
  rmSync(folder, { recursive: true, force: true })
})

describe('a folder for outputs into which nothing can be written', () => {
  const aFile = (): string => {
    const file = join(folder, 'afile')
    writeFileSync(file, 'of the user')
    return file
  }

  it('is refused before the image of the task is built', async () => {
    const file = aFile()
    const task = await aTaskFolder({ imageName: false })
    writeFileSync(join(task, 'Dockerfile'), 'FROM scratch\n')

    const { code, stderr } = await runCommand(['run', task, '-i', 'a=1', '-o', file])

    rmSync(task, { recursive: true })
    expect(stderr).toBe(
      `the outputs cannot be written into ${file}: ${file} is not a folder; choose another folder with -o\n`,
    )
    expect(code).toBe(2)
    expect(readFileSync(file, 'utf8')).toBe('of the user')
  })

  it('is refused before a run is created in the service', async () => {
    const calls: string[] = []
    const { href } = await aWebServer(({ method, url }, response) => {
      calls.push(`${method} ${url}`)
      response.end('[]')
    })

    const words = ['run', 'com.example.count/1.0.0', '--remote', href, '-o', join(aFile(), 'below')]
    const { code, stderr } = await runCommand(words)

    expect(stderr).toMatch(/^the outputs cannot be written into .*choose another folder with -o\n$/u)
    expect(code).toBe(2)
    expect(calls.filter((call) => !call.startsWith('GET'))).toEqual([])
  })

  it('is refused before outputs are downloaded', async () => {
    const file = aFile()
    const { href } = await aWebServer((_, response) => response.end('[]'))

    const id = '279c70e2-3dd8-49a3-b253-27956325c74f'
    const { code, stderr } = await runCommand(['outputs', id, '-o', file, '--url', href])

    expect(stderr).toContain(`${file} is not a folder`)
    expect(code).toBe(2)
  })
})

describe('outputs that cannot be saved', () => {
  async function* bytes() {
    yield Buffer.from('3')
  }

  it('are kept in the folder of the run, which the message names', async () => {
    const [written, target] = [join(folder, 'written'), join(folder, 'target')]
    mkdirSync(join(target, 'sum'), { recursive: true })
    const { signal } = new AbortController()

    const saving = keepingOutputs({ folder: written, target, signal }, () =>
      writeBelow(target, 'sum', bytes()),
    )

    await expect(saving).rejects.toThrow(OutputsKeptError)
    await expect(saving).rejects.toThrow(`They are kept in ${written}`)
  })

  it('are not kept after an interruption', async () => {
    const signal = AbortSignal.abort(new Error('interrupted'))

    const saving = keepingOutputs({ folder, target: folder, signal }, () =>
      Promise.reject(new Error('other')),
    )

    await expect(saving).rejects.toThrow('interrupted')
  })
})

describe('the folder of a run', () => {
  const aTerminal = () => {
    const written: string[] = []
    const stream = { write: (text: string) => written.push(text) }
    return { written, terminal: createTerminal({ stdout: stream, stderr: stream, env: {} }, false) }
  }

  it('is removed', async () => {
    const { terminal, written } = aTerminal()

    await closeRun(terminal, { folder, close: async () => rmSync(folder, { recursive: true }) })

    expect(existsSync(folder)).toBe(false)
    expect(written).toEqual([])
  })

  it('is named, and the command succeeds, when files of another user cannot be removed', async () => {
    const { terminal, written } = aTerminal()
    const refused = new Error('EACCES: permission denied, unlink')

    await closeRun(terminal, { folder, close: () => Promise.reject(refused) })

    expect(written.join('')).toContain(`another user: ${folder}`)
  })
})
