import { once } from 'node:events'
import { type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createBatchServer } from '../../../../local/batch/server.ts'
import { createTaskMetadata } from '../../../../local/batch/task-metadata.ts'

const submit = vi.fn(() => Promise.resolve({ jobId: 'job' }))
const metadata = createTaskMetadata({ baseUrl: 'http://server', uuid: () => 'an-id' })
let server: Server

beforeAll(async () => {
  server = createBatchServer(new Map([['/v1/submitjob', submit]]), vi.fn(), {
    knownHosts: ['172.17.0.1'],
    metadata,
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => void server.close())

async function post(headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  const { port } = server.address() as AddressInfo
  const outgoing = request({ host: '127.0.0.1', port, path: '/v1/submitjob', method: 'POST', headers })
  const [answer] = (await once(outgoing.end('{}'), 'response')) as [IncomingMessage]
  answer.resume()
  return answer.statusCode
}

it.each([
  { Origin: 'http://evil.example' },
  { Origin: 'null' },
  { 'Sec-Fetch-Site': 'cross-site' },
  { Host: 'evil.example' },
])('the local Batch server submits no job for a page of another site: %o', async (headers) => {
  expect(await post({ 'Content-Type': 'text/plain', ...headers })).toBe(403)
  expect(submit).not.toHaveBeenCalled()
})

it('the local Batch server submits a job for a program on this machine', async () => {
  expect(await post({})).toBe(200)
})

it('the local Batch server submits a job for a function that uses a known host name', async () => {
  expect(await post({ Host: '172.17.0.1:1234' })).toBe(200)
  expect(await post({ Host: '172.17.0.2:1234' })).toBe(403)
})

it('the local Batch server returns the metadata of a task at its secret address only', async () => {
  const { port } = server.address() as AddressInfo
  metadata.open('arn:task').ended({ name: 'task', exitCode: 3 })

  const answers = await Promise.all(
    ['/v4/an-id/task', '/v4/another/task'].map((path) => fetch(`http://127.0.0.1:${port}${path}`)),
  )

  expect(answers.map(({ status }) => status)).toEqual([200, 404])
  expect(await answers[0]?.json()).toMatchObject({ Containers: [{ Name: 'task', ExitCode: 3 }] })
})
