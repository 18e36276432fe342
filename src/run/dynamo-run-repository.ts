import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import {
  ACTIVE_RUNS,
  createDynamoTable,
  type DynamoOptions,
  type IndexPlace,
  type ItemKey,
  keyOf,
  RUNS_IN_REMOVAL,
} from '../aws/dynamo-table.ts'
import { type Condition, createDynamoWrites, type ItemChange } from '../aws/dynamo-writes.ts'
import { TABLE } from '../contract/environment.ts'
import { ignoring } from '../shared/ignoring.ts'
import { createDynamoRunCreation } from './dynamo-run-creation.ts'
import { createDynamoRunList } from './dynamo-run-list.ts'
import type { Run } from './run.ts'
import { inStates, transitionOf, usageChangeOf, withJob, withProvisions } from './run-changes.ts'
import {
  activePartitionOf,
  decodeInputValue,
  decodeListedRun,
  decodeRun,
  encodeInputValue,
  IN_REMOVAL,
  INPUT_PREFIX,
  inputKey,
  LISTED_RUN_PREFIX,
  listedRunKey,
  resultItemKey,
  rowAttributes,
  runIdOf,
  runKey,
  taskRunsPartition,
  visibleRun,
} from './run-items.ts'
import { type ActiveRunsPlace, type RunRepository, RunStateConflictError } from './run-repository.ts'
import { statesAllowedBefore } from './states-allowed.ts'
import { ACTIVE_STATES, isActive, isFinal, isProvisionable, RUN_STATES } from './transitions.ts'

const { partitionKey: INDEX_PARTITION, sortKey: INDEX_TIME } = TABLE.unfinishedIndex

const PROVISIONABLE = RUN_STATES.filter(isProvisionable)

/** Maximum number of paths of an update: an expression may have 4 KB, of which a provision takes about 30 bytes. */
const MAX_PATHS = 100

/** Condition: the item of a result names this run. */
function namesRun(runId: string): Condition {
  return { condition: '#runId = :runId', values: { ':runId': runId } }
}

/** Runs in the table. Every change is one UpdateItem whose condition names the allowed states. */
export function createDynamoRunRepository(options: DynamoOptions): RunRepository {
  const { client, tableName, identity } = options
  const table = createDynamoTable(options)
  const writes = createDynamoWrites(options)

  async function apply(runId: string, change: ItemChange): Promise<Run> {
    const { isChanged, item } = await writes.update(runKey(runId), change)
    if (isChanged) return decodeRun(item)
    throw new RunStateConflictError(visibleRun(item))
  }

  const change = (runId: string, { set, ...rest }: ItemChange): Promise<Run> =>
    apply(runId, { ...rest, set: { ...set, updatedAt: identity.now().toISOString() } })

  async function find(runId: string): Promise<Run | undefined> {
    return visibleRun(await table.get(runKey(runId)))
  }

  async function getRuns(keys: readonly ItemKey[]): Promise<Run[]> {
    return (await table.getAll(keys)).map(visibleRun).filter((run) => run !== undefined)
  }

  function listedIds(taskId: string): Promise<string[]> {
    const query = { skPrefix: LISTED_RUN_PREFIX, isDescending: true }
    return Array.fromAsync(table.query(taskRunsPartition(taskId), query), decodeListedRun)
  }

  async function removeInputs(runId: string): Promise<void> {
    const inputs = table.query(runKey(runId).pk, { skPrefix: INPUT_PREFIX })
    await table.removeAll(await Array.fromAsync(inputs, keyOf))
  }

  const replaceProvisions: RunRepository['replaceProvisions'] = (runId, { from, to }) =>
    change(runId, {
      set: { provisions: to },
      ...withProvisions(inStates(PROVISIONABLE), from),
    })

  /** Replaces the whole map with optimistic locking. Each retry means that a concurrent call succeeded, so the loop ends. */
  async function mergeProvisions(runId: string, provisions: Run['provisions']): Promise<Run> {
    for (;;) {
      const run = await find(runId)
      if (run === undefined || !isProvisionable(run.state)) throw new RunStateConflictError(run)
      const merged = { from: run.provisions, to: { ...run.provisions, ...provisions } }
      const changed = await ignoring(replaceProvisions(runId, merged), RunStateConflictError)
      if (changed !== undefined) return changed
    }
  }

  /** Index positions of at most `limit` further active runs. The partitions are read one after the other. */
  async function activePlaces(limit: number, after: ActiveRunsPlace | undefined): Promise<IndexPlace[]> {
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

  return {
    ...createDynamoRunCreation(table, writes),

    find,

    findAll: (runIds) => getRuns(runIds.map(runKey)),

    async listByTask(taskId) {
      return getRuns((await listedIds(taskId)).map(runKey))
    },

    ...createDynamoRunList(table),

    listIdsByTask: listedIds,

    async transition(runId, transition) {
      // No state allows it, and `IN ()` is not a valid expression.
      if (statesAllowedBefore(transition).length === 0) {
        throw new RunStateConflictError(await find(runId))
      }
      return apply(runId, transitionOf(runId, transition, identity.now().toISOString()))
    },

    async recordProvisions(runId, provisions) {
      const entries = Object.entries(provisions)
      if (entries.length > MAX_PATHS) return mergeProvisions(runId, provisions)
      return change(runId, {
        setWithin: { provisions },
        ...inStates(PROVISIONABLE),
      })
    },

    replaceProvisions,

    async recordJob(runId, job, condition) {
      const states = inStates(RUN_STATES.filter((state) => !isFinal(state)))
      return change(runId, {
        set: { job, ...rowAttributes({ job }) },
        ...withJob(states, condition),
      })
    },

    async recordUsage(runId, attempt, usage) {
      return (await writes.update(runKey(runId), usageChangeOf(attempt, usage))).isChanged
    },

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

    async recordStage(runId, stage, seconds) {
      const report = { endedAt: identity.now().toISOString(), seconds }
      await writes.update(runKey(runId), { set: { [stage]: report }, ...inStates(ACTIVE_STATES) })
    },

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

    async listActive(limit, after) {
      const found = await activePlaces(limit, after)
      const runs = await getRuns(found.map(({ key }) => key))
      const last = found.length < limit ? undefined : found.at(-1)
      return {
        // The index is eventually consistent: some of the runs may have ended.
        runs: runs.filter((run) => isActive(run.state)),
        ...(last && { next: { runId: runIdOf(last.key), updatedAt: last.updatedAt } }),
      }
    },

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
