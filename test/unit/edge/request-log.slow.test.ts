import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { lineOf } from '../../../edge/request-log.ts'
import { aForm, aService, type FakeServiceOptions, send } from './fake-service.ts'

const RUN_ID = '0f1e2d3c-4b5a-4697-8877-665544332211'
const SECRET = 'q0Zt4vLwYtTqk3b2mJx1cE6sQmFh8gUoN5yR7aPiKdA'
const LARGE = Buffer.alloc(5 * 1024 * 1024)
const A_FORM = aForm([{ fileName: 'filename="a"', content: LARGE }])

/** Log entries of one request, parsed and as text. */
async function told(path: string, options: FakeServiceOptions, body: Buffer = Buffer.from('x')) {
  const service = await aService(options)
  const { status } = await send(service.port, path, body)
  await service.edge.settled()
  const entries: Record<string, unknown>[] = service.log.map((line) => JSON.parse(line))
  return { status, entries, text: service.log.join('\n') }
}

const away: FakeServiceOptions = { onCall: (_, response) => void response.destroy() }

function refusing(status: number, headers: Record<string, string>): FakeServiceOptions {
  return {
    onCall: (_, response: ServerResponse) =>
      void response.writeHead(status, headers).end('{"errorCode":"x","message":"y"}'),
  }
}

describe('the log of a request', () => {
  it('has route, status and reason, but neither secret nor query', async () => {
    const { entries, text } = await told(`task-runs/${RUN_ID}/${SECRET}/outputs.zip?token=${SECRET}`, away)

    expect(entries).toEqual([
      {
        level: 'ERROR',
        message: 'request refused',
        method: 'POST',
        route: '/task-runs/*/*/outputs.zip',
        runId: RUN_ID,
        status: 503,
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/u),
        reason: expect.stringContaining('The App Engine API cannot be reached.'),
      },
    ])
    expect(text).not.toContain(SECRET)
    expect(text).not.toContain('token')
  })

  it('names the upload that is discarded, with the same request id', async () => {
    const options = { onPart: () => 500 }

    const { entries, text } = await told(
      `task-runs/${RUN_ID}/input-provisions/a?x=${SECRET}`,
      options,
      A_FORM,
    )

    const [refused, discarded] = entries
    expect(refused).toMatchObject({ status: 503, reason: expect.stringContaining('S3 answered 500') })
    expect(discarded).toEqual({
      level: 'INFO',
      message: 'upload is discarded',
      method: 'POST',
      route: '/task-runs/*/input-provisions/*',
      runId: RUN_ID,
      requestId: refused?.requestId,
      uploadId: expect.any(String),
    })
    expect(text).not.toContain(SECRET)
  })

  it('omits the query of a call that the API refused', async () => {
    const { status, entries, text } = await told(`tasks?x=${SECRET}`, refusing(409, {}), A_FORM)

    expect(status).toBe(409)
    expect(entries[0]).toMatchObject({
      level: 'INFO',
      status: 409,
      reason: expect.stringContaining('POST /tasks was answered 409'),
    })
    expect(text).not.toContain(SECRET)
  })

  it.each(['x-amzn-requestid', 'apigw-requestid'])(
    'has the id of the gateway’s response: %s',
    async (name) => {
      const { entries } = await told('tasks', refusing(409, { [name]: 'of-the-gateway' }), A_FORM)

      expect(entries.map(({ requestId }) => requestId)).toEqual(['of-the-gateway', 'of-the-gateway'])
    },
  )

  it('has the gateway’s request id also when the gateway refuses the edge', async () => {
    const headers = { 'x-amzn-errortype': 'ForbiddenException', 'x-amzn-requestid': 'of-the-gateway' }

    const { status, entries } = await told('task-runs/1/state-actions', refusing(403, headers))

    expect(status).toBe(503)
    expect(entries).toMatchObject([
      { requestId: 'of-the-gateway', reason: expect.stringContaining('Forbidden') },
    ])
  })
})

describe('a line of the edge’s log', () => {
  it('is JSON, with a time', () => {
    const line = lineOf({ level: 'INFO', message: 'one\ntwo' }, new Date('2026-01-02T03:04:05Z'))

    expect(line).not.toContain('\n')
    expect(JSON.parse(line)).toEqual({
      level: 'INFO',
      message: 'one\ntwo',
      timestamp: '2026-01-02T03:04:05.000Z',
      service: 'edge',
    })
  })
})
