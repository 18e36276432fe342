import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it } from 'vitest'
import { createDynamoWrites, IS_NEW } from '../../../src/aws/dynamo-writes.ts'
import { createFixedIdentity } from '../../fixtures/fixed-identity.ts'
import { stubClient } from './stub-client.ts'

const KEY = { pk: 'a', sk: 'a' }
const CHANGE = { ...IS_NEW, set: { value: 1 } }
const PUT = { put: { ...KEY, value: 1 }, if: IS_NEW }
const ERROR = { message: 'refused', $metadata: {} }

function someWrites(script: readonly unknown[]) {
  const { client, sent } = stubClient<DynamoDBDocumentClient>(script)
  const pauses: number[] = []
  const pause = async (milliseconds: number) => pauses.push(milliseconds)
  const identity = createFixedIdentity()
  return { writes: createDynamoWrites({ client, tableName: 'table', identity, pause }), sent, pauses }
}

const cancelledBy = (...codes: string[]) =>
  new TransactionCanceledException({ ...ERROR, CancellationReasons: codes.map((Code) => ({ Code })) })

describe('DynamoDB updates', () => {
  it('return the item when a condition fails', async () => {
    const Item = { pk: { S: 'a' }, value: { N: '7' } }
    const { writes } = someWrites([new ConditionalCheckFailedException({ ...ERROR, Item })])

    expect(await writes.update(KEY, CHANGE)).toEqual({ isChanged: false, item: { pk: 'a', value: 7 } })
  })

  it('return no item when none existed', async () => {
    const { writes } = someWrites([new ConditionalCheckFailedException(ERROR)])

    expect(await writes.update(KEY, CHANGE)).toEqual({ isChanged: false, item: undefined })
  })

  it('succeed when the condition of a retry fails because of their own change', async () => {
    const changeId = createFixedIdentity().uuid()
    const Item = { pk: { S: 'a' }, changeId: { S: changeId } }
    const { writes } = someWrites([new ConditionalCheckFailedException({ ...ERROR, Item })])

    expect(await writes.update(KEY, CHANGE)).toEqual({ isChanged: true, item: { pk: 'a', changeId } })
  })

  it('are retried while a transaction holds the item', async () => {
    const { writes, pauses } = someWrites([new TransactionConflictException(ERROR), { Attributes: KEY }])

    expect(await writes.update(KEY, CHANGE)).toEqual({ isChanged: true, item: KEY })

    expect(pauses).toHaveLength(1)
  })

  it('pass on other errors unchanged', async () => {
    const failure = new Error('connection lost')
    const { writes } = someWrites([failure])

    await expect(writes.update(KEY, CHANGE)).rejects.toBe(failure)
  })
})

describe('DynamoDB transactions', () => {
  it('report a failed condition without a retry', async () => {
    const { writes, sent } = someWrites([cancelledBy('TransactionConflict', 'ConditionalCheckFailed')])

    expect(await writes.transact([PUT])).toBe(false)

    expect(sent).toHaveLength(1)
  })

  it('are retried when another transaction holds an item', async () => {
    const { writes, sent } = someWrites([cancelledBy('None', 'TransactionConflict'), {}])

    expect(await writes.transact([PUT])).toBe(true)

    expect(sent).toHaveLength(2)
  })

  it('fail when the conflict persists', async () => {
    const { writes, sent } = someWrites([cancelledBy('TransactionConflict')])

    await expect(writes.transact([PUT])).rejects.toBeInstanceOf(TransactionCanceledException)

    expect(sent).toHaveLength(8)
  })

  it('pass on other cancellations unchanged', async () => {
    const failure = cancelledBy('ValidationError')
    const { writes } = someWrites([failure])

    await expect(writes.transact([PUT])).rejects.toBe(failure)
  })
})
