import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packTar } from '../../fixtures/bundle-builder.ts'
import { aTaskFolder } from '../../fixtures/task-folder.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

const BUNDLE = 'examples/add-and-echo/add-and-echo.zip'
const PARTS = 4
const HELD_BACK = 3
/** Each test starts two programs, which takes long on a machine with other work. */
const PATIENCE_MS = 120_000
const ID = '0f0f0f0f-0000-4000-8000-000000000000'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'killed-'))
})
afterEach(() => {
  closeWebServers()
  rmSync(folder, { recursive: true })
})

/** A service with its storage for this bundle, which does not answer one part while `isSlow`. */
async function aService(bundle: string) {
  const parts = new Map<number, Buffer>()
  const service = { parts, sent: [] as number[], isSlow: true, url: '' }
  let upload: object = {}

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, headers } = request
    const { pathname, searchParams } = new URL(request.url ?? '', `http://${headers.host}`)
    const body = await buffer(request)
    if (method === 'PUT') {
      const number = Number(searchParams.get('number'))
      if (service.isSlow && number === HELD_BACK) return
      service.sent.push(number)
      parts.set(number, body)
      response.end()
      return
    }
    const answer = answerTo(`${method} ${pathname}`, body, headers.host ?? '')
    if (answer === undefined) response.statusCode = 404
    response.end(JSON.stringify(answer ?? { message: 'Task not found.', details: { type: 'empty' } }))
  }

  function answerTo(call: string, body: Buffer, host: string): object | undefined {
    if (call === 'POST /v1/uploads') {
      const progress = { progress: null, task: null, warnings: [], error: null }
      upload = {
        id: ID,
        state: 'CREATED',
        partSizeBytes: Math.ceil(statSync(bundle).size / PARTS),
        ...progress,
      }
    } else if (call.endsWith('/part-urls')) {
      const { first } = JSON.parse(String(body)) as { readonly first: number }
      return { parts: [{ partNumber: first, url: `http://${host}/storage?number=${first}` }] }
    } else if (call.endsWith('/parts')) {
      return { parts: [...parts].map(([partNumber, { length }]) => ({ partNumber, sizeBytes: length })) }
    } else if (call.endsWith('/complete')) {
      upload = { ...upload, state: 'READY', task: { namespace: 'com.example', version: '1.0.0' } }
    } else if (!call.startsWith('GET /v1/uploads/')) return undefined
    return upload
  }

  service.url = new URL('v1/', await aWebServer((request, response) => void handle(request, response))).href
  return service
}

/** An upload to be interrupted. */
interface Uploaded {
  /** Argument of the command. */
  readonly task: string
  /** File that is sent. */
  readonly bundle: string
  /** Folder that precedes PATH. */
  readonly programs?: string
}

function aBundle(): Uploaded {
  const bundle = join(folder, 'bundle.zip')
  cpSync(BUNDLE, bundle)
  return { task: bundle, bundle }
}

/** A folder with an image archive. */
async function aPackedFolder(): Promise<Uploaded> {
  const task = join(folder, 'task')
  cpSync(await aTaskFolder(), task, { recursive: true })
  return { task, bundle: join(task, '.cytomine-task/com.example.count-1.0.0.zip') }
}

/** A folder with a Dockerfile, and a program named docker that saves another archive of the same image each time. */
async function aBuiltFolder(): Promise<Uploaded> {
  const { task, bundle } = await aPackedFolder()
  const programs = join(folder, 'bin')
  mkdirSync(programs)
  const image = readFileSync(join(task, 'image.tar'))
  rmSync(join(task, 'image.tar'))
  writeFileSync(join(task, 'Dockerfile'), 'FROM scratch\n')
  for (const build of ['1', '2']) {
    const other = await packTar([{ name: 'repositories', body: build }])
    // An archive ends with two empty blocks.
    writeFileSync(join(folder, `${build}.tar`), Buffer.concat([image.subarray(0, -1024), other]))
  }
  const script = `#!/bin/sh
if [ "$1" = build ]; then echo >> '${folder}/builds'; fi
if [ "$1" = save ]; then cp "${folder}/$(wc -l < '${folder}/builds').tar" "$3"; fi
`
  writeFileSync(join(programs, 'docker'), script)
  chmodSync(join(programs, 'docker'), 0o755)
  return { task, bundle, programs }
}

function startUpload({ task, programs = '' }: Uploaded, url: string) {
  const words = ['cli/main.ts', 'upload', task, '--no-check', '--url', url]
  const env = { ...process.env, PATH: `${programs}${delimiter}${process.env.PATH}` }
  return spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'], env })
}

describe('an upload whose program is killed', () => {
  it.each([
    ['a bundle', aBundle],
    ['a folder with an image archive', aPackedFolder],
    ['a folder that is built again', aBuiltFolder],
  ])(
    'goes on with the missing parts of %s when it is called again',
    { timeout: 3 * PATIENCE_MS },
    async (_, create) => {
      const uploaded = await create()
      const service = await aService(uploaded.bundle)
      const killed = startUpload(uploaded, service.url)
      await expect.poll(() => service.sent.length, { timeout: PATIENCE_MS }).toBe(PARTS - 1)
      killed.kill('SIGKILL')
      await once(killed, 'exit')
      service.isSlow = false
      service.sent.length = 0

      const second = startUpload(uploaded, service.url)
      const [stdout, [code]] = await Promise.all([text(second.stdout), once(second, 'exit')])

      expect(code).toBe(0)
      expect(stdout).toContain('installed com.example 1.0.0')
      expect(service.sent).toEqual([HELD_BACK])
      const sent = [1, 2, 3, 4].map((number) => service.parts.get(number) ?? Buffer.alloc(0))
      expect(Buffer.concat(sent).equals(readFileSync(uploaded.bundle))).toBe(true)
      const left = readdirSync(dirname(uploaded.bundle)).filter((name) => name !== '.gitignore')
      expect(left).toEqual([basename(uploaded.bundle)])
    },
  )
})
