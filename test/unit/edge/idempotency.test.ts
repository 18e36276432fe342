import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SMALL_BODY_BYTES } from '../../../edge/limits.ts'
import { CONTENT_DIGEST_HEADER } from '../../../src/contract/idempotency.ts'
import { aForm, aService, type FakeService, type SeenCall, send } from './fake-service.ts'

const LARGE = randomBytes(SMALL_BODY_BYTES + 1024)
const BUNDLE = aForm([{ fileName: 'filename="a.zip"', content: LARGE }])
const DIGEST = `sha256:${createHash('sha256').update(LARGE).digest('hex')}`
const KEYED = { headers: { 'idempotency-key': 'a key', [CONTENT_DIGEST_HEADER]: 'sha256:of-the-client' } }

const importsOf = ({ calls }: FakeService): SeenCall[] => calls.filter(({ url }) => url.endsWith('/tasks'))

function states({ uploads }: FakeService): readonly string[] {
  return [...uploads.values()].map(({ state }) => state)
}

describe('an idempotency key at the edge', () => {
  it('is forwarded with a small request, unlike the client’s content digest', async () => {
    const service = await aService()

    await send(service.port, 'stores', Buffer.from('{}'), KEYED)

    expect(service.calls[0]?.headers).toMatchObject({ 'idempotency-key': 'a key' })
    expect(service.calls[0]?.headers).not.toHaveProperty(CONTENT_DIGEST_HEADER)
  })

  it('is forwarded with the digest of a large bundle, before its upload is complete', async () => {
    const service = await aService()

    const { status } = await send(service.port, 'tasks', BUNDLE, KEYED)

    const [id] = service.uploads.keys()
    const [asked] = importsOf(service)
    expect(status).toBe(200)
    expect(asked?.headers).toMatchObject({ 'idempotency-key': 'a key', [CONTENT_DIGEST_HEADER]: DIGEST })
    expect(JSON.parse(String(asked?.body))).toEqual({ uploadId: id, complete: true })
    expect(states(service)).toEqual(['CREATED'])
    const [upload] = service.uploads.values()
    expect(Buffer.concat([...(upload?.parts.values() ?? [])]).length).toBe(LARGE.length)
  })

  it('discards the bundle when an earlier call was answered, also by 202', async () => {
    const imported = '5f0f1c0e-7c55-4a6b-9f0e-4f2b8a7c9d10'
    const service = await aService({
      onCall: ({ headers }, response) => {
        if (headers['idempotency-key'] === undefined) response.end('{"id":"the task"}')
        else response.writeHead(202, { 'idempotent-replayed': 'true' }).end(JSON.stringify({ id: imported }))
      },
    })

    const { body } = await send(service.port, 'tasks', BUNDLE, KEYED)
    await service.edge.settled()

    expect(body).toBe('{"id":"the task"}')
    expect(JSON.parse(String(importsOf(service)[1]?.body))).toEqual({ uploadId: imported })
    expect(states(service)).toEqual(['DISCARDED'])
  })

  it.each([
    ['discards the bundle while another call is in progress', [409], 'DISCARDED'],
    ['keeps the bundle that its own lost call imports', [504, 409], 'CREATED'],
  ])('%s, and forwards Retry-After', async (_, statuses, state) => {
    const left = [...statuses]
    const service = await aService({
      onCall: (_call, response) => {
        const status = left.shift() ?? 500
        response
          .writeHead(status, status === 409 ? { 'retry-after': '5' } : {})
          .end(JSON.stringify({ errorCode: 'APPE-idempotency-key-in-use', message: 'wait' }))
      },
    })

    const { status, headers } = await send(service.port, 'tasks', BUNDLE, KEYED)
    await service.edge.settled()

    expect([status, headers['retry-after']]).toEqual([409, '5'])
    expect(states(service)).toEqual([state])
  })
})
