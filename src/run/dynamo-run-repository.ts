import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import {
  ACTIVE_RUNS,
  createDynamoTable,
  type DynamoOptions,
  type DynamoTable,
  type IndexPlace,
  type ItemKey,
} from '../aws/dynamo-table.ts'
import { createDynamoWrites } from '../aws/dynamo-writes.ts'
import { createDynamoRunChanges } from './dynamo-run-changes.ts'
import { createDynamoRunCreation } from './dynamo-run-creation.ts'
import { createDynamoRunList } from './dynamo-run-list.ts'
import { createDynamoRunRemoval } from './dynamo-run-removal.ts'
import type { Run } from './run.ts'
import {
  activePartitionOf,
  decodeInputValue,
  decodeListedRun,
  encodeInputValue,
  inputKey,
  LISTED_RUN_PREFIX,
  resultItemKey,
  runIdOf,
  runKey,
  taskRunsPartition,
  visibleRun,
} from './run-items.ts'
import type { ActiveRunsPlace, RunRepository } from './run-repository.ts'
import { isActive } from './transitions.ts'

/** Runs in the table. */
export function createDynamoRunRepository(options: DynamoOptions): RunRepository {
  const table = createDynamoTable(options)
  const writes = createDynamoWrites(options)
  const reads = createRunReads(table)

  return {
    ...createDynamoRunCreation(table, writes),
    ...reads,
    ...createDynamoRunList(table),
    ...createDynamoRunChanges(writes, options.identity, reads.find),
    ...createResults(options, table, reads.find),
    ...createInputs(options, table),
    ...createDynamoRunRemoval(options, table, writes),
  }
}

/** Whole runs. */
function createRunReads(table: DynamoTable) {
  async function getRuns(keys: readonly ItemKey[]): Promise<Run[]> {
    return (await table.getAll(keys)).map(visibleRun).filter((run) => run !== undefined)
  }

  function listIdsByTask(taskId: string): Promise<string[]> {
    const query = { skPrefix: LISTED_RUN_PREFIX, isDescending: true }
    return Array.fromAsync(table.query(taskRunsPartition(taskId), query), decodeListedRun)
  }

  return {
    async find(runId) {
      return visibleRun(await table.get(runKey(runId)))
    },

    findAll: (runIds) => getRuns(runIds.map(runKey)),

    async listByTask(taskId) {
      return getRuns((await listIdsByTask(taskId)).map(runKey))
    },

    listIdsByTask,

    async listActive(limit, after) {
      const found = await activePlaces(table, limit, after)
      const runs = await getRuns(found.map(({ key }) => key))
      const last = found.length < limit ? undefined : found.at(-1)
      return {
        // The index is eventually consistent: some of the runs may have ended.
        runs: runs.filter((run) => isActive(run.state)),
        ...(last && { next: { runId: runIdOf(last.key), updatedAt: last.updatedAt } }),
      }
    },
  } satisfies Partial<RunRepository>
}

/** Index positions of at most `limit` further active runs. The partitions are read one after the other. */
async function activePlaces(
  table: DynamoTable,
  limit: number,
  after: ActiveRunsPlace | undefined,
): Promise<IndexPlace[]> {
  const found: IndexPlace[] = []
  const first = after === undefined ? 0 : ACTIVE_RUNS.indexOf(activePartitionOf(after.runId))
  for (const [index, partition] of ACTIVE_RUNS.slice(first).entries()) {
    if (found.length >= limit) break
    const place = index === 0 ? after : undefined
    const range = { after: place && { key: runKey(place.runId), updatedAt: place.updatedAt } }
    found.push(...(await table.listUnfinished(partition, limit - found.length, range)))
  }
  return found
}

/** Runs by the key of their result. */
function createResults(
  { client, tableName }: DynamoOptions,
  table: DynamoTable,
  find: RunRepository['find'],
) {
  return {
    async recordResult({ id, resultKey }) {
      await client.send(
        new PutCommand({ TableName: tableName, Item: { ...resultItemKey(resultKey), runId: id } }),
      )
    },

    async findByResult(resultKey) {
      const item = await table.get(resultItemKey(resultKey))
      const run = item === undefined ? undefined : await find(decodeListedRun(item))
      return run?.state === 'FINISHED' && run.resultKey === resultKey ? run : undefined
    },
  } satisfies Partial<RunRepository>
}

/** Input values of runs. */
function createInputs({ client, tableName }: DynamoOptions, table: DynamoTable) {
  return {
    async putInput(value) {
      await client.send(new PutCommand({ TableName: tableName, Item: encodeInputValue(value) }))
    },

    async findInput(runId, parameterName, valueId) {
      const item = await table.get(inputKey({ runId, parameterName, valueId }))
      return item === undefined ? undefined : decodeInputValue(item)
    },

    async removeInput(value) {
      await client.send(new DeleteCommand({ TableName: tableName, Key: inputKey(value) }))
    },

    async listInputs(run) {
      const keys = Object.entries(run.provisions).flatMap(([parameterName, provision]) =>
        provision.kind === 'value'
          ? [inputKey({ runId: run.id, parameterName, valueId: provision.valueId })]
          : [],
      )
      return (await table.getAll(keys)).map(decodeInputValue)
    },
  } satisfies Partial<RunRepository>
}
