import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it } from 'vitest'
import { createDynamoTaskRepository } from '../../../src/task/dynamo-task-repository.ts'
import { summaryOf } from '../../../src/task/task.ts'
import { encodeListed, encodeTask, taskKey } from '../../../src/task/task-item.ts'
import { aTask } from '../../fixtures/builders.ts'
import { createFixedIdentity } from '../../fixtures/fixed-identity.ts'
import { stubClient } from '../aws/stub-client.ts'

const NEW = aTask({ id: '10000000-0000-4000-8000-000000000001', name: 'new' })
const OLD = aTask({ id: '10000000-0000-4000-8000-000000000002', name: 'old' })
const GONE = aTask({ id: '10000000-0000-4000-8000-000000000003', name: 'gone' })
const keyOf = ({ id, createdAt }: typeof NEW) => ({ pk: 'TASKS', sk: `${createdAt}#${id}` })

function aRepository(script: readonly unknown[]) {
  const { client, sent } = stubClient<DynamoDBDocumentClient>(script)
  const identity = createFixedIdentity()
  return { tasks: createDynamoTaskRepository({ client, tableName: 'table', identity }), sent }
}

describe('the listing of tasks', () => {
  it('is read by one read of the version and one query, for any number of tasks', async () => {
    const { summary } = encodeListed(NEW, encodeTask(NEW))
    const Items = Array.from({ length: 1000 }, () => ({ ...keyOf(NEW), summary }))
    const { tasks, sent } = aRepository([{}, { Items }])

    expect(await tasks.list()).toEqual(Items.map(() => summaryOf(NEW)))

    expect(sent.map(({ name, input }) => [name, input.ProjectionExpression])).toEqual([
      ['GetCommand', undefined],
      ['QueryCommand', '#pk, #sk, #attribute'],
    ])
  })

  it('includes tasks that an earlier version listed, in order, except deleted ones', async () => {
    const { summary } = encodeListed(NEW, encodeTask(NEW))
    const old = { ...taskKey(OLD.id), document: encodeTask(OLD) }
    const gone = { ...taskKey(GONE.id), document: encodeTask(GONE), inRemoval: true }
    const { tasks } = aRepository([
      {},
      { Items: [keyOf(OLD), keyOf(GONE), { ...keyOf(NEW), summary }] },
      { Responses: { table: [old, gone] } },
    ])

    expect(await tasks.list()).toEqual([summaryOf(OLD), summaryOf(NEW)])
  })
})
