import { rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { runCommand } from '../../fixtures/cli-program.ts'
import { aTaskFolder, type TaskFolderOptions } from '../../fixtures/task-folder.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

const ID = '0f0f0f0f-0000-4000-8000-000000000000'
const TASK = { id: ID, namespace: 'com.example.count', version: '1.0.0' }
const NAME = 'com.example.count/1.0.0'

const folders: string[] = []
afterEach(() => {
  vi.restoreAllMocks()
  closeWebServers()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

async function aFolder(options: TaskFolderOptions = {}): Promise<string> {
  const folder = await aTaskFolder(options)
  folders.push(folder)
  return folder
}

/** A service with its storage, which imports every upload. `calls` are in the order of their arrival. */
async function aService({ isInstalled = false, warnings = [] as readonly object[] } = {}) {
  const calls: string[] = []
  let isThere = isInstalled
  let upload: object = {}
  let sentBytes = 0

  function answerTo(call: string, body: Buffer, host: string): object | undefined {
    switch (call) {
      case `GET /v1/tasks/${NAME}`:
        return isThere ? TASK : undefined
      case `DELETE /v1/tasks/${NAME}`:
        isThere = false
        return {}
      case 'POST /v1/uploads':
        upload = { id: ID, state: 'CREATED', partSizeBytes: 5_000_000, progress: null, warnings }
        return Object.assign(upload, { task: null, error: null })
      case `POST /v1/uploads/${ID}/part-urls`:
        return { parts: [{ partNumber: 1, url: `http://${host}/storage` }] }
      case 'PUT /storage':
        sentBytes += body.length
        return {}
      case `POST /v1/uploads/${ID}/complete`:
        upload = { ...upload, state: 'READY', task: TASK }
        return upload
      default:
        return call === `GET /v1/uploads/${ID}` ? upload : undefined
    }
  }

  const { href } = await aWebServer(async (request: IncomingMessage, response) => {
    const body = await buffer(request)
    const call = `${request.method} ${request.url}`
    calls.push(call)
    const answer = answerTo(call, body, request.headers.host ?? '')
    response.statusCode = answer === undefined ? 404 : 200
    response.end(JSON.stringify(answer ?? { message: 'Task not found.', details: { type: 'empty' } }))
  })
  return { url: `${href}v1/`, calls, sentBytes: () => sentBytes }
}

const CREATES = 'POST /v1/uploads'
const DELETES = `DELETE /v1/tasks/${NAME}`

describe('upload', () => {
  it('sends nothing of a bundle for arm64, and names the problem', async () => {
    const { url, calls } = await aService()
    const folder = await aFolder({ architecture: 'arm64' })

    const { code, stdout, stderr } = await runCommand(['upload', folder, '--url', url])

    expect(stdout).toMatch(/linux\/arm64.*--platform linux\/amd64/u)
    expect(stderr).toContain('Nothing was uploaded. --no-check uploads the bundle anyway.')
    expect(code).toBe(1)
    expect(calls.filter((call) => !call.startsWith('GET'))).toEqual([])
  })

  it('sends a bundle unchecked with --no-check', async () => {
    const { url, calls } = await aService()
    const folder = await aFolder({ architecture: 'arm64' })

    const { code } = await runCommand(['upload', folder, '--no-check', '--url', url])

    expect(calls).toContain(CREATES)
    expect(code).toBe(0)
  })

  it.each([
    ['with --no-check', ['--no-check']],
    ['after a check', []],
  ])('shows each warning once %s, and those that only the service has', async (_, words) => {
    const folder = await aFolder({
      descriptor: { inputs: { a: { type: { id: 'integer', gte: 1 }, description: '' } } },
    })
    const validated = await runCommand(['validate', folder, '--json'])
    const { findings } = JSON.parse(validated.stdout) as { readonly findings: readonly { message: string }[] }
    const { url } = await aService({ warnings: [...findings, { message: 'of the service' }] })

    const { code, stdout, stderr } = await runCommand(['upload', folder, ...words, '--url', url])

    const [message = ''] = findings.map((finding) => finding.message)
    expect(message).toContain('did you mean geq?')
    expect((stdout + stderr).split(message)).toHaveLength(2)
    expect(stdout).toContain('of the service')
    expect(code).toBe(0)
  })

  it('prints the task and the number of bytes sent with --json', async () => {
    const { url, sentBytes } = await aService()

    const { code, stdout } = await runCommand(['upload', await aFolder(), '--url', url, '--json'])

    expect(JSON.parse(stdout)).toEqual({ task: 'com.example.count 1.0.0', sentBytes: sentBytes() })
    expect(sentBytes()).toBeGreaterThan(0)
    expect(code).toBe(0)
  })
})

/** Makes a terminal of stdin on which a user types this line. @returns what the program writes to it */
function typeOnTerminal(line: string): () => string {
  const typed = Object.assign(new PassThrough(), { isTTY: true })
  typed.write(`${line}\n`)
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(typed as never)
  const writes = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  return () => writes.mock.calls.map(([text]) => String(text)).join('')
}

describe('upload --replace of an installed version', () => {
  it.each(['n', ''])('deletes and sends nothing when the answer is "%s"', async (answer) => {
    const { url, calls } = await aService({ isInstalled: true })
    const shown = typeOnTerminal(answer)

    const { code, stderr } = await runCommand(['upload', await aFolder(), '--replace', '--url', url])

    expect(shown()).toContain(`Delete ${NAME} with all its runs and their files first? [y/N] `)
    expect(stderr).toContain('Nothing was deleted or uploaded.')
    expect(calls.filter((call) => !call.startsWith('GET'))).toEqual([])
    expect(code).toBe(1)
  })

  it.each(['y', 'YES'])('deletes the version before it sends when the answer is "%s"', async (answer) => {
    const { url, calls } = await aService({ isInstalled: true })
    typeOnTerminal(answer)

    const { code, stdout } = await runCommand(['upload', await aFolder(), '--replace', '--url', url])

    const [first, second] = calls.filter((call) => !call.startsWith('GET'))
    expect([first, second]).toEqual([DELETES, CREATES])
    expect(stdout).toContain('installed com.example.count 1.0.0')
    expect(code).toBe(0)
  })
})
