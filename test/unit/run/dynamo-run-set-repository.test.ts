import { BatchGetCommand, type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it } from 'vitest'
import { createDynamoRunSetRepository } from '../../../src/run/set/dynamo-run-set-repository.ts'
import { createFixedIdentity } from '../../fixtures/fixed-identity.ts'
import { aRunSet, SET_ID } from '../../fixtures/run-sets.ts'

const TABLE = 'table'

/** A client for the listing of sets. Those with `inRemoval` are being removed. */
function aClient(listed: readonly { readonly id: string; readonly inRemoval?: true }[]) {
  const keyOf = (id: string) => ({ pk: 'RUNSETS', sk: `2026-01-01T00:00:00.000Z#${id}` })
  const send = async (command: object): Promise<object> => {
    if (command instanceof QueryCommand) {
      const before = command.input.ExpressionAttributeValues?.[':sk'] ?? '~'
      return { Items: listed.map(({ id }) => keyOf(id)).filter(({ sk }) => sk < before) }
    }
    if (!(command instanceof BatchGetCommand)) throw new Error('unexpected command')
    const wanted = command.input.RequestItems?.[TABLE]?.Keys ?? []
    const items = listed.map(({ id, ...rest }) => ({
      ...{ pk: `RUNSET#${id}`, sk: 'RUNSET' },
      ...aRunSet({ id }),
      ...rest,
    }))
    return { Responses: { [TABLE]: items.filter(({ pk }) => wanted.some((key) => key.pk === pk)) } }
  }
  return { send } as unknown as DynamoDBDocumentClient
}

describe('the listing of run sets', () => {
  it('goes on after a page whose sets are all being removed', async () => {
    const [a = '', b = '', c = ''] = ['c', 'b', 'a'].map((digit) => SET_ID.replace('2', digit))
    const client = aClient([{ id: a, inRemoval: true }, { id: b, inRemoval: true }, { id: c }])
    const sets = createDynamoRunSetRepository({ client, tableName: TABLE, identity: createFixedIdentity() })

    const first = await sets.list(2)
    const second = await sets.list(2, first.next)

    expect(first).toEqual({ sets: [], next: `2026-01-01T00:00:00.000Z#${b}` })
    expect(second.sets.map(({ id }) => id)).toEqual([c])
    expect(second).not.toHaveProperty('next')
  })
})
