import { DeleteCommand } from '@aws-sdk/lib-dynamodb'
import { type DynamoOptions, type DynamoTable, keyOf, RUNS_IN_REMOVAL } from '../aws/dynamo-table.ts'
import type { Condition, DynamoWrites } from '../aws/dynamo-writes.ts'
import { TABLE } from '../contract/environment.ts'
import {
  decodeRun,
  IN_REMOVAL,
  INPUT_PREFIX,
  listedRunKey,
  resultItemKey,
  runIdOf,
  runKey,
} from './run-items.ts'
import type { RunRepository } from './run-repository.ts'

const { partitionKey: INDEX_PARTITION, sortKey: INDEX_TIME } = TABLE.unfinishedIndex

/** Removal of runs from the table. */
export function createDynamoRunRemoval(
  { client, tableName, identity }: DynamoOptions,
  table: DynamoTable,
  writes: DynamoWrites,
): Pick<
  RunRepository,
  'beginRemoval' | 'postponeRemoval' | 'unlist' | 'discardInputs' | 'listInRemoval' | 'remove'
> {
  async function removeInputs(runId: string): Promise<void> {
    const inputs = table.query(runKey(runId).pk, { skPrefix: INPUT_PREFIX })
    await table.removeAll(await Array.fromAsync(inputs, keyOf))
  }

  return {
    async beginRemoval(runId) {
      const { item } = await writes.update(runKey(runId), {
        set: {
          [IN_REMOVAL]: true,
          [INDEX_PARTITION]: RUNS_IN_REMOVAL,
          [INDEX_TIME]: identity.now().toISOString(),
        },
        remove: [TABLE.runIndex.partitionKey],
        condition: 'attribute_exists(#pk) AND attribute_not_exists(#inRemoval)',
      })
      return item === undefined ? undefined : decodeRun(item)
    },

    async postponeRemoval(runId) {
      const { isChanged, item } = await writes.update(runKey(runId), {
        set: { [INDEX_TIME]: identity.now().toISOString() },
        condition: 'attribute_exists(#inRemoval)',
      })
      return isChanged ? decodeRun(item) : undefined
    },

    async unlist(run) {
      await client.send(new DeleteCommand({ TableName: tableName, Key: listedRunKey(run) }))
    },

    async discardInputs(runId) {
      if ((await table.get(runKey(runId))) !== undefined) return false
      await removeInputs(runId)
      return true
    },

    async listInRemoval(until, limit) {
      return (await table.listUnfinished(RUNS_IN_REMOVAL, limit, { until })).map(({ key }) => runIdOf(key))
    },

    async remove(run) {
      await removeInputs(run.id)
      if (run.resultKey !== undefined) {
        // The item may name another run with the same result, or be gone.
        await writes.transact([{ remove: resultItemKey(run.resultKey), if: namesRun(run.id) }])
      }
      // Last, so that an interrupted removal can be repeated: these items lead to the run.
      await writes.transact([{ remove: listedRunKey(run) }, { remove: runKey(run.id) }])
    },
  }
}

/** Condition: the item of a result names this run. */
function namesRun(runId: string): Condition {
  return { condition: '#runId = :runId', values: { ':runId': runId } }
}
