import { buffer } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { createSigner } from '../../../src/signing/sign-request.ts'
import { createSignedFetch } from '../../../src/signing/signed-fetch.ts'
import { type ArrivedRequest, expectedSignature, readAuthorization } from '../../fixtures/verify-signature.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

const SECRET = 'secret'

const signedFetch = createSignedFetch(
  createSigner({
    region: 'eu-west-1',
    credentials: async () => ({ accessKeyId: 'AKID', secretAccessKey: SECRET, sessionToken: 'session' }),
  }),
)

/** A server that redirects `/moved` to itself, with the requests that it has received. */
async function aServer(): Promise<{ readonly url: URL; readonly seen: ArrivedRequest[] }> {
  const seen: ArrivedRequest[] = []
  const url = await aWebServer(async (incoming, response) => {
    const { method = '', url: path = '', headers } = incoming
    seen.push({ method, url: path, headers, body: await buffer(incoming) })
    if (path === '/moved') response.writeHead(302, { location: '/presigned?X-Amz-Signature=1' })
    response.end('answer')
  })
  return { url, seen }
}

function isSigned(request: ArrivedRequest | undefined): boolean {
  if (request?.headers.authorization === undefined) return false
  return readAuthorization(request.headers.authorization).signature === expectedSignature(request, SECRET)
}

afterEach(closeWebServers)

describe('the signed fetch', () => {
  it.each([
    ['a plain path', 'tasks', {}],
    ['a query', 'tasks?b=x+y&a=%2F', {}],
    ['a JSON body', 'uploads', { method: 'POST', body: '{"purpose":"task"}' }],
    ['a deletion', 'uploads/1', { method: 'DELETE' }],
  ])('signs %s', async (_, path, init) => {
    const { url, seen } = await aServer()

    const answer = await signedFetch(new URL(path, url), init)

    expect(await answer.text()).toBe('answer')
    expect(seen.map(isSigned)).toEqual([true])
  })

  it('signs a form, whose boundary is chosen when it is serialized', async () => {
    const { url, seen } = await aServer()
    const form = new FormData()
    form.set('task', new Blob(['bytes']), 'bundle.zip')

    await signedFetch(new URL('tasks', url), { method: 'POST', body: form })

    const [request] = seen
    const [, boundary = 'none'] = /boundary=(.+)/u.exec(String(request?.headers['content-type'])) ?? []
    expect(isSigned(request)).toBe(true)
    expect(Buffer.from(request?.body ?? []).includes(boundary)).toBe(true)
  })

  it('follows a redirect without sending credentials', async () => {
    const { url, seen } = await aServer()

    const answer = await signedFetch(new URL('moved', url))

    const [, presigned] = seen
    expect(await answer.text()).toBe('answer')
    expect(presigned?.url).toBe('/presigned?X-Amz-Signature=1')
    expect(presigned?.headers).not.toHaveProperty('authorization')
    expect(presigned?.headers).not.toHaveProperty('x-amz-security-token')
  })
})
