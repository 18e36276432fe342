import { readFile } from 'node:fs/promises'
import { BatchClient } from '@aws-sdk/client-batch'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { openZip, readZipEntry } from '../../src/archive/zip/read-zip.ts'
import { createS3ObjectStore } from '../../src/aws/s3-object-store.ts'
import type { JsonValue } from '../../src/contract/json.ts'
import { createDynamoRunRepository } from '../../src/run/dynamo-run-repository.ts'
import { createBatchJobScheduler } from '../../src/run/job/batch-job-scheduler.ts'
import { createSfnRunWorkflow } from '../../src/run/sfn-run-workflow.ts'
import type { RunState } from '../../src/run/transitions.ts'
import { bufferSource } from '../../src/shared/byte-source.ts'
import { systemIdentity } from '../../src/shared/identity.ts'
import { packZip } from '../fixtures/bundle-builder.ts'
import { call, callOk } from './engine-client.ts'

const NAMESPACE = 'org.example.concurrency'
const LIMITS = { maxEntries: 10, maxNameBytes: 100, maxEntryBytes: 64 * 1024 * 1024 }

/** Half of the 50 calls provision scalar parameters, the other half items of one array. */
const HALF = 25
const SCALARS = Array.from({ length: HALF }, (_, index) => `p${index}`)

const ROUNDS = Array.from({ length: 10 }, (_, round) => round + 1)

let task: string

/** Creates the bundle of a task with the image of the probe task, which accepts any inputs and exits at once. */
async function aBundle(version: string): Promise<Buffer> {
  const probe = await openZip(bufferSource(await readFile('test/fixtures/probe-task/probe-task.zip')), LIMITS)
  const image = probe.entries.find(({ name }) => name === 'image.tar')
  if (image === undefined) throw new Error('the probe task has no image')
  const array = { id: 'array', min_size: HALF, max_size: HALF, subtype: 'integer' }
  const required = Object.fromEntries(SCALARS.map((name) => [name, { type: 'integer', description: '' }]))
  const descriptor = {
    $schema: 'https://cytomine.com/schema-store/tasks/task.v0.json',
    name: 'Concurrency',
    namespace: NAMESPACE,
    version,
    authors: [{ first_name: 'A', last_name: 'E', organization: 'Example', email: 'a@example.org' }],
    configuration: { image: { file: '/image.tar' }, resources: { ram: '64Mi' } },
    inputs: {
      ...required,
      items: { type: array, description: '' },
      preset: { type: 'integer', description: '', default: 42 },
    },
    outputs: { result: { type: 'string', description: '' } },
  }
  return packZip([
    { name: 'descriptor.yml', body: JSON.stringify(descriptor) },
    { name: 'image.tar', body: await readZipEntry(probe, image, LIMITS.maxEntryBytes) },
  ])
}

/** @returns the task's path */
async function install(version: string): Promise<string> {
  const form = new FormData()
  form.append('task', new Blob([new Uint8Array(await aBundle(version))]), 'bundle.zip')
  await callOk('POST', 'tasks', form)
  return `tasks/${NAMESPACE}/${version}`
}

beforeAll(async () => {
  task = await install('1.0.0')
})

async function createRun(ofTask = task): Promise<string> {
  const { id } = (await (await callOk('POST', `${ofTask}/runs`)).json()) as { readonly id: string }
  return `task-runs/${id}`
}

async function stateOf(run: string): Promise<RunState> {
  return ((await (await callOk('GET', run)).json()) as { readonly state: RunState }).state
}

async function inputsOf(run: string): Promise<ReadonlyMap<string, JsonValue>> {
  const values = (await (await callOk('GET', `${run}/inputs`)).json()) as {
    readonly parameterName: string
    readonly value: JsonValue
  }[]
  return new Map(values.map(({ parameterName, value }) => [parameterName, value]))
}

/** Returns the calls that provision the run, as functions. */
function provisioningCalls(run: string): (() => Promise<Response>)[] {
  const scalars = SCALARS.map(
    (name, value) => () => call('PUT', `${run}/input-provisions/${name}`, { value }),
  )
  const items = SCALARS.map(
    (_, index) => () =>
      call('PUT', `${run}/input-provisions/items/indexes?value=${index}`, { value: index * 10 }),
  )
  // Alternating, so that the last call is for a parameter in half of the tests and for an item in the others.
  return scalars.flatMap((scalar, index) => [scalar, items[index] ?? scalar])
}

async function aProvisionedRun(ofTask = task): Promise<string> {
  const run = await createRun(ofTask)
  await callOk('PUT', `${run}/input-provisions`, [
    ...SCALARS.map((parameterName) => ({ parameterName, value: 0 })),
    { parameterName: 'items', value: SCALARS.map(() => 0) },
  ])
  return run
}

const statuses = (answers: readonly Response[]): readonly number[] =>
  answers.map(({ status }) => status).sort()

describe('fifty concurrent provisioning calls of one run', () => {
  it('all take effect', async () => {
    const run = await createRun()

    const answers = await Promise.all(provisioningCalls(run).map((provision) => provision()))

    expect(new Set(statuses(answers))).toEqual(new Set([200]))
    expect(await stateOf(run)).toBe('PROVISIONED')
    const inputs = await inputsOf(run)
    expect(SCALARS.map((name) => inputs.get(name))).toEqual(SCALARS.map((_, index) => index))
    expect(inputs.get('items')).toEqual(SCALARS.map((_, index) => ({ index, value: index * 10 })))
  })

  it.each([0, 1, 24, 49])(
    'make the run PROVISIONED by the last one, whichever it is: call %i',
    async (last) => {
      const run = await createRun()
      const calls = provisioningCalls(run)
      const [missing] = calls.splice(last, 1)

      const answers = await Promise.all(calls.map((provision) => provision()))
      const before = await stateOf(run)
      const answer = await missing?.()

      expect(new Set(statuses(answers))).toEqual(new Set([200]))
      expect([before, answer?.status, await stateOf(run)]).toEqual(['CREATED', 200, 'PROVISIONED'])
    },
  )
})

describe('concurrently', () => {
  it.each(ROUNDS)('one of two starts is accepted and the other is refused (round %i)', async () => {
    const run = await aProvisionedRun()

    const answers = await Promise.all(
      [1, 2].map(() => call('POST', `${run}/state-actions`, { desired: 'RUNNING' })),
    )

    expect(statuses(answers)).toEqual([200, 403])
    await callOk('DELETE', run)
  })

  it.each(ROUNDS)('with a start, a value is used by the run or refused (round %i)', async (round) => {
    const run = await aProvisionedRun()
    const provision = () => call('PUT', `${run}/input-provisions/p0`, { value: round })
    const start = () => call('POST', `${run}/state-actions`, { desired: 'RUNNING' })
    // The order of the two calls alternates.
    const [first, second] = round % 2 === 0 ? [provision, start] : [start, provision]

    const answers = await Promise.all([first(), second()])

    const [provisioned, started] = round % 2 === 0 ? answers : answers.toReversed()
    const inputs = await inputsOf(run)
    expect(started?.status).toBe(200)
    expect([
      [200, round],
      [403, 0],
    ]).toContainEqual([provisioned?.status, inputs.get('p0')])
    expect(inputs.get('preset')).toBe(42)
    await callOk('DELETE', run)
  })

  it.each(ROUNDS)('with a start, a value replaces a default or is refused (round %i)', async (round) => {
    const run = await aProvisionedRun()

    const [provisioned, started] = await Promise.all([
      call('PUT', `${run}/input-provisions/preset`, { value: round }),
      call('POST', `${run}/state-actions`, { desired: 'RUNNING' }),
    ])

    expect(started.status).toBe(200)
    expect([
      [200, round],
      [403, 42],
    ]).toContainEqual([provisioned.status, (await inputsOf(run)).get('preset')])
    await callOk('DELETE', run)
  })

  it('with a deletion of their task, runs are refused or deleted', async () => {
    const [deleted, ...created] = await Promise.all([
      call('DELETE', task),
      ...Array.from({ length: 10 }, () => call('POST', `${task}/runs`)),
    ])

    expect(deleted.status).toBe(200)
    expect(statuses(created).every((status) => status === 200 || status === 404)).toBe(true)
    for (const answer of created.filter(({ status }) => status === 200)) {
      const { id } = (await answer.json()) as { readonly id: string }
      expect((await call('GET', `task-runs/${id}`)).status).toBe(404)
    }
    expect((await call('POST', `${task}/runs`)).status).toBe(404)
  })
})

describe('a task that is deleted while its runs are started', () => {
  const local = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }
  const emulator = { ...local, endpoint: inject('emulatorUrl') }

  /** Returns what remains of runs: object keys, running executions and live jobs. */
  async function leftOf(runIds: readonly string[]): Promise<readonly string[]> {
    const bucket = { client: new S3Client(emulator), bucketName: inject('bucketName') }
    const keys = (await Array.fromAsync(createS3ObjectStore(bucket).list(''))).map(({ key }) => key)
    const machine = { client: new SFNClient(emulator), stateMachineArn: inject('stateMachineArn') }
    const executions = await Array.fromAsync(createSfnRunWorkflow(machine).listRunning())
    const batch = new BatchClient({ ...local, endpoint: inject('batchUrl') })
    const scheduler = createBatchJobScheduler({ client: batch, jobQueueArns: ['app-engine-local'] })
    const jobs = (await Array.fromAsync(scheduler.listLive())).map(({ jobName }) => jobName)
    return [...keys, ...executions, ...jobs].filter((name) => runIds.some((id) => name.includes(id)))
  }

  it.each(ROUNDS.slice(0, 5))('leaves nothing, and its name is free at once (round %i)', async (round) => {
    const path = await install('2.0.0')
    const runs = await Promise.all(Array.from({ length: 5 }, () => aProvisionedRun(path)))
    const start = (run: string) => call('POST', `${run}/state-actions`, { desired: 'RUNNING' })
    // The number of workflows that start before the deletion changes from round to round.
    const early = await Promise.all(runs.slice(0, round - 1).map(start))

    const [deleted, ...started] = await Promise.all([
      call('DELETE', path),
      ...runs.slice(round - 1).map(start),
    ])

    expect(deleted.status).toBe(200)
    expect(statuses(early)).toEqual(early.map(() => 200))
    expect(started.every(({ status }) => [200, 403, 404].includes(status))).toBe(true)
    for (const run of runs) expect((await call('GET', run)).status).toBe(404)
    await install('2.0.0')
    await callOk('DELETE', path)
    const runIds = runs.map((run) => run.slice('task-runs/'.length))
    await expect.poll(() => leftOf(runIds), { timeout: 60_000 }).toEqual([])
  })

  it('leaves nothing if an execution starts after its run was deleted', async () => {
    const path = await install('2.1.0')
    const run = await aProvisionedRun(path)
    const runId = run.slice('task-runs/'.length)
    const client = DynamoDBDocumentClient.from(new DynamoDBClient(emulator))
    const table = { client, tableName: inject('tableName'), identity: systemIdentity }
    const machine = { client: new SFNClient(emulator), stateMachineArn: inject('stateMachineArn') }
    const workflow = createSfnRunWorkflow(machine)

    // Simulates a start whose call to Step Functions takes longer than the deletion.
    await createDynamoRunRepository(table).transition(runId, { to: 'QUEUING' })
    await callOk('DELETE', run)
    await workflow.start(runId)
    await expect.poll(() => workflow.findStatus(runId), { timeout: 30_000 }).not.toBe('RUNNING')

    await callOk('DELETE', path)
    await install('2.1.0')
    await callOk('DELETE', path)
    expect(await leftOf([runId])).toEqual([])
  })

  it('leaves nothing of a run set whose runs are being created', async () => {
    const path = await install('2.2.0')
    const items = Array.from({ length: HALF }, (_, index) => index)
    const shared = Object.fromEntries(SCALARS.map((name) => [name, 1]))
    const rows = Array.from({ length: 120 }, (_, preset) => ({ preset }))
    const body = { task: { namespace: NAMESPACE, version: '2.2.0' }, shared: { ...shared, items }, rows }
    const { id } = (await (await call('POST', 'run-sets', body)).json()) as { readonly id: string }
    const runs = async () => {
      const answer = await callOk('GET', `run-sets/${id}/runs?limit=1`)
      return ((await answer.json()) as { readonly content: readonly unknown[] }).content.length
    }
    await expect.poll(runs, { timeout: 60_000 }).toBe(1)

    await callOk('DELETE', path)

    expect((await call('GET', `run-sets/${id}`)).status).toBe(404)
    await callOk('DELETE', await install('2.2.0'))
    // The ids of a set and of its runs begin with the same characters.
    await expect.poll(() => leftOf([id.slice(0, -6)]), { timeout: 60_000 }).toEqual([])
  })

  it('can be deleted by several concurrent calls', async () => {
    const path = await install('3.0.0')
    const runs = await Promise.all(Array.from({ length: 3 }, () => aProvisionedRun(path)))

    const answers = await Promise.all([
      ...runs.map((run) => call('POST', `${run}/state-actions`, { desired: 'RUNNING' })),
      ...[1, 2, 3].map(() => call('DELETE', path)),
      ...runs.map((run) => call('DELETE', run)),
    ])

    const deletions = answers.slice(runs.length, runs.length + 3)
    expect(deletions.every(({ status }) => status === 200 || status === 404)).toBe(true)
    expect((await call('GET', path)).status).toBe(404)
    await callOk('DELETE', await install('3.0.0'))
  })
})
