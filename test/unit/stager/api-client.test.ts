import type { RequestListener } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { RUN_SECRET_HEADER, STAGER_VARIABLES } from '../../../src/contract/staging.ts'
import { createStagingApi } from '../../../stager/api-client.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'
import { FAST } from './fake-bucket.ts'

afterEach(closeWebServers)

const SECRET = 'the-secret-of-the-run'

async function anApi(listener: RequestListener) {
  const url = await aWebServer(listener)
  const { apiUrl, runId, runSecret } = STAGER_VARIABLES
  return createStagingApi({ [apiUrl]: `${url}v1/`, [runId]: 'r1', [runSecret]: SECRET }, FAST)
}

const json = (status: number, body: object): RequestListener => {
  return (_, response) => void response.writeHead(status).end(JSON.stringify(body))
}

describe("the stager's calls to the App Engine", () => {
  it('send the secret of the run in a header', async () => {
    const seen: unknown[] = []
    const api = await anApi((request, response) => {
      seen.push(request.url, request.headers[RUN_SECRET_HEADER])
      response.end('{"files":[]}')
    })

    expect(await api.inputs()).toEqual({ files: [] })

    expect(seen).toEqual(['/v1/task-runs/r1/staging/inputs', SECRET])
  })

  it('are retried while the App Engine is unavailable', async () => {
    let calls = 0
    const api = await anApi((request, response) => {
      calls += 1
      if (calls === 1) return void request.socket.destroy()
      response.writeHead(calls === 2 ? 502 : 200).end('{"files":[]}')
    })

    expect(await api.inputs()).toEqual({ files: [] })
    expect(calls).toBe(3)
  })

  it('fail at once with the message of a refusal, without the secret', async () => {
    let calls = 0
    const refuse = json(403, {
      errorCode: 'APPE-internal-task-run-state-error',
      message: 'run is in invalid state',
    })
    const api = await anApi((request, response) => {
      calls += 1
      refuse(request, response)
    })

    const failure = await api.inputs().catch((error: Error) => error)

    expect(String(failure)).toContain(
      'requesting inputs from the App Engine: HTTP 403 APPE-internal-task-run-state-error run is in invalid state',
    )
    expect(String(failure)).not.toContain(SECRET)
    expect(calls).toBe(1)
  })

  it('fail without quoting a malformed response', async () => {
    const url = 'https://bucket/?signature=x'
    const api = await anApi(json(200, { files: [{ path: 7, url }] }))

    const failure = await api.inputs().catch((error: Error) => error)

    expect(String(failure)).toContain('has an unexpected form')
    expect(String(failure)).not.toContain('signature')
  })

  it('require all environment variables', () => {
    expect(() => createStagingApi({})).toThrow('APP_ENGINE_API_URL is not set')
  })
})
