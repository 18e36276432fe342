import { once } from 'node:events'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { buffer, json } from 'node:stream/consumers'
import { describe, expect, it, vi } from 'vitest'
import { createEdge } from '../../../edge/edge.ts'
import { createSigner, type SignRequest } from '../../../src/signing/sign-request.ts'
import { expectedSignature, readAuthorization } from '../../fixtures/verify-signature.ts'
import { listen } from './fake-service.ts'

const SECRET = 'secret'
const MIB = 1024 * 1024
const PARAMETER = '/app-engine/v1/task-runs/7f21/input-provisions/my%20image'

const sign = createSigner({
  region: 'eu-west-1',
  credentials: async () => ({ accessKeyId: 'AKID', secretAccessKey: SECRET, sessionToken: 'session' }),
})

interface Call {
  readonly url: string
  readonly isSigned: boolean
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** A signing edge before an API that verifies signatures like API Gateway, and the calls that reached the API. */
async function aSigningEdge(
  answer: (call: Call, response: ServerResponse) => void = (_, response) => void response.end('{}'),
  signer: SignRequest = sign,
): Promise<{ readonly port: number; readonly calls: Call[] }> {
  const calls: Call[] = []
  const apiPort = await listen(async (incoming, response) => {
    const { method = '', url = '', headers } = incoming
    const body = await buffer(incoming)
    const call = { url, isSigned: isSigned({ method, url, headers, body }), headers, body }
    calls.push(call)
    if (headers.authorization === undefined || call.isSigned) answer(call, response)
    else response.writeHead(403, { 'x-amzn-errortype': 'InvalidSignatureException' }).end('{"message":"no"}')
  })
  const apiUrl = new URL(`http://127.0.0.1:${apiPort}/api`)
  const port = await listen(
    createEdge({ apiUrl, uploadsAtOnce: 1, sign: signer, log: vi.fn(), pausesMs: [1] }).listener,
  )
  return { port, calls }
}

function isSigned(arrived: Parameters<typeof expectedSignature>[0]): boolean {
  const { authorization } = arrived.headers
  return (
    authorization !== undefined &&
    readAuthorization(authorization).signature === expectedSignature(arrived, SECRET)
  )
}

interface Sent {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: Buffer | string
}

async function ask(port: number, path: string, { body, ...options }: Sent = {}): Promise<IncomingMessage> {
  const outgoing = request({ host: '127.0.0.1', port, path, ...options }).end(body)
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  // The connection of a refused client that still sends is reset.
  outgoing.on('error', () => undefined)
  return answer
}

describe('edge in front of an API with IAM authorization', () => {
  it.each([
    ['a listing', 'GET', '/app-engine/v1/tasks', undefined],
    ['a query', 'GET', '/app-engine/v1/tasks?b=x+y&a=%2F', undefined],
    ['double slashes', 'GET', '/app-engine/v1//tasks/a%23b/1.0', undefined],
    ['a value', 'PUT', PARAMETER, '{"value":"ü"}'],
    ['a state action', 'POST', '/app-engine/v1/task-runs/7f21/state-actions', '{"desired":"RUNNING"}'],
    ['a deletion', 'DELETE', '/app-engine/v1/tasks/a/1.0', undefined],
  ])('signs %s', async (_, method, path, body) => {
    const { port, calls } = await aSigningEdge()

    const answer = await ask(port, path, { method, ...(body === undefined ? {} : { body }) })

    expect(answer.statusCode).toBe(200)
    expect(calls).toEqual([expect.objectContaining({ isSigned: true, body: Buffer.from(body ?? '') })])
  })

  it('signs a body without Content-Length', async () => {
    const { port, calls } = await aSigningEdge()
    const body = Buffer.alloc(3 * MIB, 'abc')

    const headers = { 'transfer-encoding': 'chunked' }
    const answer = await ask(port, PARAMETER, { method: 'PUT', headers, body })

    expect(answer.statusCode).toBe(200)
    expect(calls[0]?.isSigned && calls[0].body.equals(body)).toBe(true)
  })

  it('replaces the client’s own signature headers', async () => {
    const { port, calls } = await aSigningEdge()
    const headers = { authorization: 'Bearer x', 'X-Amz-Date': 'never', 'x-amz-security-token': 'other' }

    await ask(port, '/app-engine/v1/tasks', { headers: { ...headers, 'x-kept': 'yes' } })

    expect(calls[0]).toMatchObject({ isSigned: true, headers: { 'x-kept': 'yes' } })
    expect(calls[0]?.headers['x-amz-security-token']).toBe('session')
  })

  it('keeps paths below the base path of the API', async () => {
    const { port, calls } = await aSigningEdge()

    await ask(port, '/app-engine/../../%2e%2e/other/tasks')

    expect(calls[0]).toMatchObject({ url: '/api/other/tasks', isSigned: true })
  })

  it('uploads a large body with signed calls, and parts without credentials', async () => {
    const id = '0f1e2d3c-4b5a-4697-8877-665544332211'
    const { port, calls } = await aSigningEdge(({ url, headers }, response) => {
      const server = `http://${headers.host}`
      if (url.endsWith('/uploads')) response.end(JSON.stringify({ id, partSizeBytes: 5 * MIB }))
      else if (url.endsWith('/part-urls')) {
        const parts = Array.from({ length: 16 }, (_, at) => ({
          partNumber: at + 1,
          url: `${server}/bucket/${at + 1}?X-Amz-Signature=presigned`,
        }))
        response.end(JSON.stringify({ parts }))
      } else response.end('{}')
    })
    const body = Buffer.alloc(7 * MIB, 'abc')

    const answer = await ask(port, PARAMETER, { method: 'PUT', body })

    const [parts, others] = [true, false].map((isPart) =>
      calls.filter(({ url }) => url.startsWith('/bucket/') === isPart),
    )
    expect(answer.statusCode).toBe(200)
    expect(others?.map(({ url, isSigned }) => [url.replace(id, ':id'), isSigned])).toEqual([
      ['/api/app-engine/v1/uploads', true],
      ['/api/app-engine/v1/uploads/:id/part-urls', true],
      ['/api/app-engine/v1/uploads/:id/complete', true],
      [`/api${PARAMETER}`, true],
    ])
    expect(parts).toHaveLength(2)
    for (const { headers } of parts ?? []) {
      expect(Object.keys(headers).filter((name) => /^(authorization|x-amz-)/u.test(name))).toEqual([])
    }
  })

  it.each([
    ['a known', { 'content-length': String(11 * MIB) }],
    ['an unknown', { 'transfer-encoding': 'chunked' }],
  ])('refuses a body that is too large for the API, with %s length', async (_, headers) => {
    const { port, calls } = await aSigningEdge()

    const path = '/app-engine/v1/task-runs/7f21/state-actions'
    const answer = await ask(port, path, { method: 'POST', headers, body: Buffer.alloc(11 * MIB) })

    expect(answer.statusCode).toBe(413)
    expect(await json(answer)).toMatchObject({ message: expect.stringMatching(/10 MB/u), details: {} })
    expect(calls).toEqual([])
  })

  it.each([
    ['the gateway refuses the edge', sign],
    ['there are no credentials', () => Promise.reject(new Error('no role'))],
  ])('answers 503 without revealing its identity when %s', async (_, signer) => {
    const { port } = await aSigningEdge((_call, response) => {
      response.writeHead(403, { 'x-amzn-errortype': 'AccessDeniedException' })
      response.end('{"Message":"User: arn:aws:sts::1:assumed-role/edge is not authorized"}')
    }, signer)

    const answer = await ask(port, '/app-engine/v1/tasks')

    expect(answer.statusCode).toBe(503)
    expect(await json(answer)).toMatchObject({ errorCode: 'APPE-internal-server-error', details: {} })
  })

  it('passes on a refusal of the service', async () => {
    const { port } = await aSigningEdge(
      (_, response) => void response.writeHead(403).end('{"errorCode":"x"}'),
    )

    const answer = await ask(port, '/app-engine/v1/tasks')

    expect(answer.statusCode).toBe(403)
    expect(await json(answer)).toEqual({ errorCode: 'x' })
  })

  it('survives a client that disconnects while credentials are resolved', async () => {
    const asked = Promise.withResolvers<void>()
    const found = Promise.withResolvers<void>()
    const { port, calls } = await aSigningEdge(undefined, async (unsigned) => {
      asked.resolve()
      await found.promise
      return sign(unsigned)
    })
    const outgoing = request({ host: '127.0.0.1', port, path: '/app-engine/v1/tasks' }).end()
    const gone = new Promise((resolve) => outgoing.on('error', resolve))

    await asked.promise
    outgoing.destroy()
    await gone
    found.resolve()

    expect((await ask(port, '/app-engine/v1/stores')).statusCode).toBe(200)
    expect(calls.map(({ url }) => url)).toContain('/api/app-engine/v1/stores')
  })
})

describe('health of the edge', () => {
  it('is that of the edge alone', async () => {
    const { port, calls } = await aSigningEdge(undefined, () => Promise.reject(new Error('no role')))

    const answer = await ask(port, '/edge/health')

    expect(answer.statusCode).toBe(200)
    expect(calls).toEqual([])
  })
})
