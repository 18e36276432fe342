import { randomUUID } from 'node:crypto'
import { UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import { createDocumentClient, createS3Client } from '../../src/aws/clients.ts'
import { createS3ObjectStore } from '../../src/aws/s3-object-store.ts'
import { systemIdentity } from '../../src/shared/identity.ts'
import { createDynamoUploadRepository } from '../../src/upload/dynamo-upload-repository.ts'
import { aWebServer, closeWebServers } from '../fixtures/web-server.ts'
import { call, callOk } from './engine-client.ts'
import { aVariant, installVariant, setFaults, sweepNow } from './stack-controls.ts'

const BUNDLE = 'test/fixtures/probe-task/probe-task.zip'

const PATIENT = { timeout: 60_000, interval: 500 }

vi.stubEnv('AWS_ENDPOINT_URL', inject('emulatorUrl'))
vi.stubEnv('AWS_ENDPOINT_URL_S3', inject('storageUrl'))
vi.stubEnv('AWS_REGION', 'us-east-1')
vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
const client = createDocumentClient()
const tableName = inject('tableName')
const uploads = createDynamoUploadRepository({ client, tableName, identity: systemIdentity })
const objects = createS3ObjectStore({ client: createS3Client(), bucketName: inject('bucketName') })

/** Puts a bundle into the bucket, as an S3 client does. */
async function putBundle(name: string, namespace: string, folder = 'uploads'): Promise<void> {
  await objects.put(`${folder}/${name}`, await aVariant(BUNDLE, namespace, {}), 'application/zip')
}

/** Makes an upload without a lease look old to the sweeper. */
async function makeOld(uploadId: string): Promise<void> {
  const command = new UpdateCommand({
    TableName: tableName,
    Key: { pk: `UPLOAD#${uploadId}`, sk: 'UPLOAD' },
    UpdateExpression: 'SET updatedAt = :old',
    ConditionExpression: 'activeRuns = :imports AND leaseUntil <= :now OR attribute_not_exists(leaseUntil)',
    ExpressionAttributeValues: {
      ':old': '2026-01-01T00:00:00.000Z',
      ':imports': 'IMPORTS',
      ':now': new Date().toISOString(),
    },
  })
  // The condition fails while a worker holds the lease, and after the end of the import.
  await client.send(command).catch((error: Error) => {
    if (error.name !== 'ConditionalCheckFailedException') throw error
  })
}

async function stateAfterSweep(uploadId: string): Promise<string | undefined> {
  // The sweep of jobs, which comes after that of imports, may fail while Batch is unavailable.
  await sweepNow().catch(() => undefined)
  return (await uploads.find(uploadId))?.state
}

afterEach(async () => {
  closeWebServers()
  await setFaults({})
})

describe('an import on the local stack', () => {
  it('installs a task from the default store', async () => {
    const asked: string[] = []
    // A task of its own: the deletion of a task with hundreds of runs of other tests takes longer than a call may.
    const bundle = await aVariant(BUNDLE, 'org.example.from-store', {})
    const task = 'tasks/org.example.from-store/1.0.0'
    const store = await aWebServer((request, response) => {
      asked.push(request.url ?? '')
      response.end(bundle)
    })
    const body = { name: 'Store', host: store.href }
    const { id } = (await (await callOk('POST', 'stores', body)).json()) as { readonly id: string }
    await callOk('PUT', `stores/${id}/default`)

    const response = await call('POST', `${task}/install`)

    expect(response.status).toBe(200)
    expect(asked).toHaveLength(1)
    expect((await call('GET', task)).status).toBe(200)
    await call('DELETE', `stores/${id}`)
  })

  it('continues after an outage of a service', async () => {
    const namespace = 'org.example.patient'
    await setFaults({ calls: { fail: 1 } })
    await putBundle('patient.zip', namespace)
    await expect.poll(() => uploads.listStalled(new Date(), 10), PATIENT).toEqual(['patient.zip'])
    await setFaults({})

    await makeOld('patient.zip')

    await expect.poll(() => stateAfterSweep('patient.zip'), PATIENT).toBe('READY')
    expect((await call('GET', `tasks/${namespace}/1.0.0`)).status).toBe(200)
  })

  it('fails and frees the name if its job definition cannot be registered', async () => {
    const namespace = 'org.example.unregistered'
    await setFaults({ calls: { fail: 1 } })
    await putBundle('unregistered.zip', namespace)

    await expect
      .poll(async () => {
        await makeOld('unregistered.zip')
        return await stateAfterSweep('unregistered.zip')
      }, PATIENT)
      .toBe('FAILED')

    await setFaults({})
    expect((await call('GET', `tasks/${namespace}/1.0.0`)).status).toBe(404)
    expect(await installVariant(BUNDLE, namespace, {})).toBe(`tasks/${namespace}/1.0.0`)
  })

  it('is started by the sweeper if its event was lost', async () => {
    const id = 'lost.zip'
    const upload = {
      id,
      key: `installs/${id}`,
      purpose: 'task',
      state: 'CREATED',
      taskId: randomUUID(),
    } as const
    await uploads.create({ ...upload, createdAt: new Date().toISOString() })
    await putBundle(id, 'org.example.lost', 'installs')

    await makeOld(id)

    await expect.poll(() => stateAfterSweep(id), PATIENT).toBe('READY')
  })
})
