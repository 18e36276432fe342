import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { findFreePort } from '../../../local/ports.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

/* The steps of a Dockerfile after the installation of packages: building the bundle, and starting it without other files. */

const run = promisify(execFile)
const children: ChildProcess[] = []
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bundles-'))
})

afterEach(closeWebServers)

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(directory, { recursive: true })
})

async function bundle(program: string): Promise<string> {
  const file = join(directory, `${program}.mjs`)
  await run(process.execPath, ['local/bundle-program.ts', `${program}/main.ts`, file])
  return file
}

it('the bundled stager starts without other files, and names missing settings', async () => {
  const file = await bundle('stager')

  const failure = await run(process.execPath, [file, 'stage-in', '/in', '/out'], { env: {} }).catch(
    (error: unknown) => error,
  )

  expect(failure).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/\nAPP_ENGINE_API_URL is not set\n$/u),
  })
})

describe('the bundled edge', () => {
  let file: string

  beforeAll(async () => {
    file = await bundle('edge')
  })

  it('names missing settings', async () => {
    const failure = await run(process.execPath, [file], { env: {} }).catch((error: unknown) => error)

    expect(failure).toMatchObject({ code: 1, stderr: expect.stringMatching(/PORT.*API_URL/su) })
  })

  /** Starts the edge as its image does, and resolves when it listens. */
  async function start(
    variables: Record<string, string>,
  ): Promise<{ readonly url: string; readonly edge: ChildProcess }> {
    const port = await findFreePort()
    const edge = spawn(process.execPath, [file], {
      env: { PORT: String(port), ...variables },
      cwd: directory,
    })
    children.push(edge)
    const [said] = (await once(edge.stdout, 'data')) as [Buffer]
    expect(String(said)).toMatch(/the edge listens on/u)
    return { url: `http://127.0.0.1:${port}`, edge }
  }

  it('reports its own health while the API is unavailable, and stops cleanly', async () => {
    const keys = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret' }
    const apiUrl = 'https://a1b2c3.execute-api.eu-west-1.amazonaws.com/api'
    const { url, edge } = await start({ API_URL: apiUrl, API_AUTH: 'iam', ...keys })

    const answer = await fetch(`${url}/edge/health`)
    edge.kill('SIGTERM')
    const [code] = await once(edge, 'exit')

    expect(answer.status).toBe(200)
    expect(code).toBe(0)
  })

  it('finishes requests in progress after SIGTERM', async () => {
    const arrived = Promise.withResolvers<ServerResponse>()
    const api = await aWebServer((_, response) => arrived.resolve(response))
    const { url, edge } = await start({ API_URL: api.href, STOP_TIMEOUT_SECONDS: '60' })
    const asked = fetch(`${url}/app-engine/v1/tasks`)
    const response = await arrived.promise
    edge.kill('SIGTERM')
    // An edge that refuses new connections has received the signal.
    const hasClosed = () =>
      fetch(`${url}/edge/health`).then(
        () => false,
        () => true,
      )
    await vi.waitUntil(hasClosed, { timeout: 30_000 })

    response.end('done')
    const [answer, [code]] = await Promise.all([asked, once(edge, 'exit')])

    expect(await answer.text()).toBe('done')
    expect(code).toBe(0)
  })
})
