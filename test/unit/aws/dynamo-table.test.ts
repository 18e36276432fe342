import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it } from 'vitest'
import { createDynamoTable } from '../../../src/aws/dynamo-table.ts'
import { stubClient } from './stub-client.ts'

const A = { pk: 'a', sk: 'a' }
const B = { pk: 'b', sk: 'b' }

function aTable(script: readonly unknown[]) {
  const { client, sent } = stubClient<DynamoDBDocumentClient>(script)
  const pauses: number[] = []
  const pause = async (milliseconds: number) => pauses.push(milliseconds)
  return { table: createDynamoTable({ client, tableName: 'table', pause }), sent, pauses }
}

describe('an item', () => {
  it.each([
    ['partition', { pk: 'é'.repeat(1025), sk: 'a' }],
    ['sort', { pk: 'a', sk: 'a'.repeat(1025) }],
  ])('is not requested if its %s key is longer than any', async (_, key) => {
    const { table, sent } = aTable([])

    expect(await table.get(key)).toBeUndefined()
    expect(sent).toEqual([])
  })
})

describe('DynamoDB batches', () => {
  it('retry unprocessed keys, and return items in the order of the keys', async () => {
    const { table, sent, pauses } = aTable([
      { Responses: { table: [{ ...B, value: 2 }] }, UnprocessedKeys: { table: { Keys: [A] } } },
      { Responses: { table: [{ ...A, value: 1 }] } },
    ])

    const items = await table.getAll([A, B])

    expect(items).toEqual([
      { ...A, value: 1 },
      { ...B, value: 2 },
    ])
    expect(sent[1]?.input).toEqual({ RequestItems: { table: { Keys: [A], ConsistentRead: true } } })
    expect(pauses).toHaveLength(1)
  })

  it('retry unprocessed deletions', async () => {
    const { table, sent } = aTable([{ UnprocessedItems: { table: [{ DeleteRequest: { Key: B } }] } }, {}])

    await table.removeAll([A, B])

    expect(sent[1]?.input).toEqual({ RequestItems: { table: [{ DeleteRequest: { Key: B } }] } })
  })

  it('fail after eight attempts with growing pauses', async () => {
    const { table, sent, pauses } = aTable([{ UnprocessedKeys: { table: { Keys: [A] } } }])

    await expect(table.getAll([A])).rejects.toThrow('left 1 items of a batch unprocessed')

    expect(sent).toHaveLength(8)
    expect(pauses).toHaveLength(7)
    for (const [index, pauseMs] of pauses.entries()) {
      // Jitter shortens a pause to at least half of it.
      expect(pauseMs / (25 * 2 ** index)).toBeGreaterThanOrEqual(0.5)
      expect(pauseMs / (25 * 2 ** index)).toBeLessThanOrEqual(1)
    }
  })

  it.each([
    ['reads', 'BatchGetCommand', 100],
    ['deletes', 'BatchWriteCommand', 25],
  ])('with %s stay within the service’s limits', async (_, name, size) => {
    const { table, sent } = aTable([{}])
    const keys = Array.from({ length: size + 1 }, (_unused, index) => ({ pk: `${index}`, sk: 'x' }))

    await (name === 'BatchGetCommand' ? table.getAll(keys) : table.removeAll(keys))

    expect(sent.map((command) => command.name)).toEqual([name, name])
    expect(JSON.stringify(sent[0]?.input).match(/"pk"/gu)).toHaveLength(size)
  })
})

describe('DynamoDB batches of which one fails', () => {
  it('reject after the others have ended, and send no further one', async () => {
    const failure = new Error('the table is gone')
    const events: string[] = []
    const others = Promise.withResolvers<void>()
    const send = async (): Promise<unknown> => {
      const number = events.push('begins')
      if (number === 1) throw failure
      await others.promise
      events.push('ended')
      return {}
    }
    const { table } = aTable([send])
    const keys = Array.from({ length: 10 * 25 }, (_, index) => ({ pk: `${index}`, sk: 'x' }))

    const removed = table.removeAll(keys).catch((error: unknown) => events.push(String(error)))
    setImmediate(() => others.resolve())
    await removed

    expect(events).toEqual([...new Array(4).fill('begins'), ...new Array(3).fill('ended'), String(failure)])
  })
})

describe('DynamoDB queries', () => {
  it('read all pages', async () => {
    const { table, sent } = aTable([
      { Items: [A], LastEvaluatedKey: A },
      { Items: [], LastEvaluatedKey: B },
      { Items: [B] },
    ])

    const items = []
    for await (const item of table.query('a')) items.push(item)

    expect(items).toEqual([A, B])
    expect(sent.map(({ input }) => input.ExclusiveStartKey)).toEqual([undefined, A, B])
    expect(sent.every(({ input }) => input.ConsistentRead === true)).toBe(true)
  })

  it('of the index stop at the limit', async () => {
    const { table, sent } = aTable([{ Items: [{ ...A, updatedAt: '2026' }], LastEvaluatedKey: A }])
    const place = { key: A, updatedAt: '2026' }

    expect(await table.listUnfinished('ACTIVE#0', 2)).toEqual([place, place])

    expect(sent).toHaveLength(2)
  })

  it('of the index start after a given item', async () => {
    const { table, sent } = aTable([{ Items: [] }])

    await table.listUnfinished('ACTIVE#0', 2, { after: { key: A, updatedAt: '2026' } })

    expect(sent[0]?.input.ExclusiveStartKey).toEqual({ ...A, activeRuns: 'ACTIVE#0', updatedAt: '2026' })
  })
})
