import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createExampleClient } from '../../cli/example-client.ts'
import { PROJECT } from '../../local/aws-environment.ts'
import { type LocalStack, startLocalStack } from '../../local/stack.ts'
import { readStackSettings } from '../../local/stack-settings.ts'
import { createProgress } from '../../src/shared/progress.ts'
import { listeningAddresses } from '../emulators/listening-addresses.ts'
import { type BatchRecorder, batchModelProblems, recordBatch } from '../fixtures/batch-model.ts'

const BUNDLE = 'examples/add-and-echo/add-and-echo.zip'
/** Loopback addresses at which only the servers of this test listen. */
const [JOBS, CLIENTS, FUNCTIONS, BATCH] = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5']

/** A separate stack, in which functions, jobs and clients use different addresses. */
const instance = `addresses-${randomBytes(4).toString('hex')}`
const settings = readStackSettings({
  JOB_ADDRESS: JOBS,
  CLIENT_ADDRESS: CLIENTS,
  FUNCTION_ADDRESS: FUNCTIONS,
  BATCH_BIND_ADDRESS: BATCH,
})
const forwarders: (() => void)[] = []
let stack: LocalStack
/** Recorder that the functions call in place of the Batch server. */
let batch: BatchRecorder

/** Forwards connections at an address to the same port of 127.0.0.1, and counts them. */
async function forward(host: string, url: string, connections: Record<string, number>): Promise<void> {
  const port = Number(new URL(url).port)
  const name = `${host}:${port}`
  const sockets = new Set<Socket>()
  const server = createServer((inward) => {
    connections[name] = (connections[name] ?? 0) + 1
    const outward = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [inward, outward],
      [outward, inward],
    ] as const) {
      sockets.add(from)
      from.pipe(to)
      from.once('close', () => to.destroy())
      from.on('error', () => to.destroy())
    }
  })
  await once(server.listen(port, host), 'listening')
  connections[name] = 0
  forwarders.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
}

beforeAll(async () => {
  stack = await startLocalStack({ instance, settings, progress: createProgress(process.stdout) })
  batch = await recordBatch(stack.batchUrl, { host: FUNCTIONS, port: Number(new URL(stack.batchUrl).port) })
})
afterAll(async () => {
  for (const close of forwarders) close()
  batch.close()
  await stack.stop()
  await rm(join(PROJECT, '.local', instance), { recursive: true, force: true })
})

describe('a stack with an address for each kind of program', () => {
  it('has a Batch server that listens at the configured address only', () => {
    const { port } = new URL(stack.batchUrl)

    expect(stack.batchUrl).toBe(`http://${BATCH}:${port}`)
    expect(listeningAddresses(stack.batchPid())).toEqual([`${BATCH}:${port}`])
  })

  it('runs a task from upload to outputs, with a different address for each kind of program', async () => {
    const connections: Record<string, number> = {}
    for (const host of [JOBS, CLIENTS, FUNCTIONS]) {
      for (const url of [stack.emulatorUrl, stack.storageUrl]) await forward(host, url, connections)
    }
    const client = createExampleClient(stack.baseUrl)

    await client.upload(BUNDLE)
    const runId = await client.createRun()
    await client.provision(runId, { a: 20, b: 22, text: 'x'.repeat(1024 * 1024) })
    await client.start(runId)
    expect(await client.follow(runId, () => undefined)).toBeUndefined()

    expect(await client.outputs(runId)).toMatchObject({ sum: 42 })
    const outputs = new URL(`task-runs/${runId}/outputs.zip`, stack.baseUrl)
    const redirect = await fetch(outputs, { redirect: 'manual' })
    const location = redirect.headers.get('location') ?? ''
    expect(new URL(location).host).toBe(new URL(stack.storageUrl).host.replace('127.0.0.1', CLIENTS))
    expect((await fetch(location)).status).toBe(200)
    const unused = Object.entries(connections).filter(([, count]) => count === 0)
    expect(unused).toEqual([])
  })

  it("sends and receives what AWS's model of the Batch API defines", async () => {
    const call = async (operation: string, body: object): Promise<unknown> => {
      const answer = await fetch(new URL(operation, `${batch.url}/v1/`), {
        method: 'POST',
        body: JSON.stringify(body),
      })
      return answer.json()
    }
    const submission = batch.exchanges.find(({ path }) => path === '/v1/submitjob')
    const { jobId, jobQueue } = Object.assign({}, submission?.request, submission?.answer) as {
      readonly jobId: string
      readonly jobQueue: string
    }
    const job = await call('describejobs', { jobs: [jobId] })
    await call('describejobdefinitions', { status: 'ACTIVE' })
    await call('listjobs', { jobQueue, jobStatus: 'SUCCEEDED' })

    expect(job).toMatchObject({
      jobs: [
        { status: 'SUCCEEDED', attempts: [{ taskProperties: [{ containers: [{ exitCode: 0 }, {}, {}] }] }] },
      ],
    })
    const paths = batch.exchanges.map(({ path }) => path)
    expect(paths).toContain('/v1/registerjobdefinition')
    expect(await batchModelProblems(batch.exchanges)).toEqual([])
  })

  it('pulls images from an address other than that to which functions push them', async () => {
    const { port } = new URL(stack.storageUrl)
    const log = await readFile(join(PROJECT, '.local', instance, 'log', 'batch.log'), 'utf8')

    expect(log).toMatch(new RegExp(`\\(127\\.0\\.0\\.1:${port}/[^)]+\\) runs in `, 'u'))
    expect(log).not.toContain(`(${FUNCTIONS}:${port}/`)
  })
})
