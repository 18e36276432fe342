import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { TABLE } from '../../../src/contract/environment.ts'
import { STAGED_LISTING_NAME } from '../../../src/contract/staging.ts'
import { createDynamoRunRepository } from '../../../src/run/dynamo-run-repository.ts'
import { encodeRun, RUN_SHARDS } from '../../../src/run/run-items.ts'
import { runSetKey } from '../../../src/run/run-set-key.ts'
import { createDynamoRunSetRepository } from '../../../src/run/set/dynamo-run-set-repository.ts'
import { createDynamoTaskRepository } from '../../../src/task/dynamo-task-repository.ts'
import { encodeTask, taskKey } from '../../../src/task/task-item.ts'
import { anInput, aRun, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { aRunSet, SET_ID } from '../../fixtures/run-sets.ts'

const BASE = '/app-engine/v1'
const RUN = `${BASE}/task-runs/${RUN_ID}`
const TASK = aTask({ inputs: [anInput({ name: 'a' }), anInput({ name: 'b' })] })
const BY_NAME = `${BASE}/tasks/${TASK.namespace}/${TASK.version}`

/** The API over a stub of the table that records calls: reads find one task and one run, writes succeed. */
async function anApi() {
  const items = new Map<string, object>(
    [
      { ...taskKey(TASK.id), document: encodeTask(TASK) },
      { pk: `NAME#${TASK.namespace}@${TASK.version}`, status: 'TAKEN', uploadId: 'upload', taskId: TASK.id },
      encodeRun(aRun()),
      { ...runSetKey(SET_ID), ...aRunSet() },
      { pk: 'TASK_LIST', sk: 'TASK_LIST', version: 1 },
    ].map((item) => [item.pk, item]),
  )
  const calls: string[] = []
  const send = async (command: {
    readonly input: {
      readonly Key?: { readonly pk: string }
      readonly IndexName?: string
      readonly ExpressionAttributeValues?: Readonly<Record<string, string>>
    }
  }) => {
    const pk = command.input.Key?.pk ?? ''
    const { IndexName: index = '' } = command.input
    calls.push(`${command.constructor.name.replace('Command', '')} ${pk.split('#')[0]}${index}`.trim())
    const found = command.input.ExpressionAttributeValues?.[':pk']
    return { Item: items.get(pk), Attributes: items.get(pk), Items: [items.get(found ?? '')].filter(Boolean) }
  }
  const engine = await anEngine()
  // The repositories use nothing of a client but `send`.
  const client = { send } as unknown as DynamoDBDocumentClient
  const table = { client, tableName: 'table', identity: engine.identity }
  const app = createCheckedApp({
    ...engine,
    tasks: createDynamoTaskRepository(table),
    runs: createDynamoRunRepository(table),
    sets: createDynamoRunSetRepository(table),
  })
  /** The table calls of a request, in order. */
  const callsOf = async (method: string, path: string, body?: unknown): Promise<readonly string[]> => {
    calls.length = 0
    const answer = await app.request(path, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    expect(answer.status).toBe(200)
    return [...calls]
  }
  return {
    callsOf,
    forget: (pk: string) => items.delete(pk),
    request: app.request,
    identity: engine.identity,
  }
}

describe('a process that has cached the task', () => {
  let api: Awaited<ReturnType<typeof anApi>>
  beforeEach(async () => {
    api = await anApi()
    expect(await api.callsOf('GET', RUN)).toEqual(['Get RUN', 'Get TASK'])
  })

  it('reads a run by one call', async () => {
    expect(await api.callsOf('GET', RUN)).toEqual(['Get RUN'])
  })

  it('checks every 5 s by one more small read that the task is installed', async () => {
    api.identity.advance(5)

    expect(await api.callsOf('GET', RUN)).toEqual(['Get RUN', 'Get NAME'])
    expect(await api.callsOf('GET', RUN)).toEqual(['Get RUN'])
  })

  it('shows no run of a task that was deleted 5 s ago, although the run is not hidden yet', async () => {
    api.forget(`NAME#${TASK.namespace}@${TASK.version}`)
    api.identity.advance(5)

    expect((await api.request(RUN)).status).toBe(404)
  })

  it('describes a run set by one call, whatever the number of its rows', async () => {
    expect(await api.callsOf('GET', `${BASE}/run-sets/${SET_ID}`)).toEqual(['Query'])
  })

  it('creates a run by one read and one transaction', async () => {
    expect(await api.callsOf('POST', `${BY_NAME}/runs`)).toEqual(['Get NAME', 'TransactWrite'])
  })

  it('provisions an input by one read and two writes', async () => {
    const body = { parameterName: 'a', value: 7 }

    expect(await api.callsOf('PUT', `${RUN}/input-provisions/a`, body)).toEqual([
      'Get RUN',
      'Put',
      'Update RUN',
    ])
  })

  it('lists unchanged tasks by one read', async () => {
    expect(await api.callsOf('GET', `${BASE}/tasks`)).toEqual(['Get TASK_LIST', 'Query'])

    expect(await api.callsOf('GET', `${BASE}/tasks`)).toEqual(['Get TASK_LIST'])
  })

  it('lists runs by one query of the index for each of its shards, whatever the filter', async () => {
    const queries = RUN_SHARDS.map(() => `Query ${TABLE.runIndex.name}`)
    await api.callsOf('GET', `${BASE}/tasks`)

    for (const filter of ['', '?state=FAILED', '?q=0&limit=200'])
      expect(await api.callsOf('GET', `${BASE}/task-runs${filter}`)).toEqual(['Get TASK_LIST', ...queries])
  })

  it('shows no run or task that was deleted', async () => {
    api.forget(`RUN#${RUN_ID}`)
    api.forget(`NAME#${TASK.namespace}@${TASK.version}`)
    api.forget(taskKey(TASK.id).pk)

    const answers = await Promise.all(
      [RUN, BY_NAME, `${BASE}/tasks/${TASK.id}`].map((path) => api.request(path)),
    )

    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404])
  })
})

describe('a download of all files', () => {
  it.each(['inputs.zip', 'outputs.zip'])('reads run and task once for %s', async (name) => {
    const engine = await anEngine({ run: { state: 'FINISHED', outputsPrefix: 'outputs/' } })
    await engine.objects.put(`outputs/${STAGED_LISTING_NAME}`, JSON.stringify({ entries: [] }))
    const findRun = vi.spyOn(engine.runs, 'find')
    const findTask = vi.spyOn(engine.tasks, 'findOfRun')

    // The run has no values, so the download is refused after the entries were searched.
    expect((await createCheckedApp(engine).request(`${RUN}/${name}`)).status).toBe(403)

    expect([findRun.mock.calls.length, findTask.mock.calls.length]).toEqual([1, 1])
  })
})
