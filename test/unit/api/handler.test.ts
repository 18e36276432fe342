import { describe, expect, it } from 'vitest'
import type { GatewayEvent } from '../../../lambdas/api/gateway-event.ts'
import { createHandler } from '../../../lambdas/api/handler.ts'
import { RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

const STAGING = '/app-engine/v1/task-runs/{id}/staging/{proxy+}'

function eventOf(resource: string, path: string, httpMethod = 'GET'): GatewayEvent {
  return {
    resource,
    path,
    httpMethod,
    headers: {},
    multiValueHeaders: {},
    body: null,
    isBase64Encoded: false,
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    requestContext: { requestId: 'r' },
  }
}

describe('the handler of the API', () => {
  it('serves callers through the proxy resource', async () => {
    const handler = createHandler(
      await anEngine({ run: { state: 'RUNNING', job: { attempt: 1, jobName: 'run-1' } } }),
    )

    const { statusCode } = await handler(eventOf('/{proxy+}', '/app-engine/v1/tasks'))

    expect(statusCode).toBe(200)
  })

  it.each([
    '/app-engine/v1/task-runs/x/staging/../../../tasks',
    '/app-engine/v1/task-runs/x/staging/%2e%2e/%2E./../tasks',
    '/app-engine/v1/tasks',
    '/ping/../app-engine/v1/tasks',
  ])('serves only the staging routes to the API of stagers: %s', async (path) => {
    const handler = createHandler(
      await anEngine({ run: { state: 'RUNNING', job: { attempt: 1, jobName: 'run-1' } } }),
    )

    const { statusCode, body } = await handler(eventOf(STAGING, path))

    expect(statusCode).toBe(404)
    expect(JSON.parse(body).message).toBe('no such path')
  })

  it('sends an empty content type with an empty response', async () => {
    const handler = createHandler(await anEngine({ run: {} }))

    const { body, headers } = await handler(
      eventOf('/{proxy+}', `/app-engine/v1/task-runs/${RUN_ID}`, 'DELETE'),
    )

    expect([body, headers?.['content-type']]).toEqual(['', ''])
  })

  it('requires the secret of the run from stagers', async () => {
    const handler = createHandler(
      await anEngine({ run: { state: 'RUNNING', job: { attempt: 1, jobName: 'run-1' } } }),
    )
    const { statusCode, body } = await handler(
      eventOf(STAGING, `/app-engine/v1/task-runs/${RUN_ID}/staging/inputs`),
    )

    expect(statusCode).toBe(400)
    expect(JSON.parse(body).errorCode).toBe('APPE-scheduler-unauthenticated-output-provisioning')
  })

  const ROLE = 'arn:aws:sts::123456789012:assumed-role/edge'
  const USER = 'arn:aws:iam::123456789012:user/lab/alice'

  it.each([
    ['other for two principals', ROLE, USER, false],
    ['other for two roles', `${ROLE}/one`, `${ROLE}-of-others/one`, false],
    ['other for a principal and a caller without credentials', USER, null, false],
    ['same for two sessions of one role', `${ROLE}/one`, `${ROLE}/two`, true],
    ['same for callers without credentials', null, null, true],
  ])('replays a response only to the same caller: %s', async (_, one, other, isReplayed) => {
    const handler = createHandler(await anEngine())
    const call = (userArn: string | null) =>
      handler({
        ...eventOf('/{proxy+}', '/app-engine/v1/tasks/com.example.addition/1.0.0/runs', 'POST'),
        headers: { 'idempotency-key': 'a key' },
        requestContext: { requestId: 'r', identity: { userArn } },
      })

    const [first, second] = [await call(one), await call(other)]

    expect([first.statusCode, second.statusCode]).toEqual([200, 200])
    expect(second.headers?.['idempotent-replayed']).toBe(isReplayed ? 'true' : undefined)
    expect(JSON.parse(second.body).id === JSON.parse(first.body).id).toBe(isReplayed)
  })
})
