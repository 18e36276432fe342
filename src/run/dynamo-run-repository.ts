import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import {
  ACTIVE_RUNS,
  createDynamoTable,
  type DynamoOptions,
  type ItemKey,
  keyOf,
  RUNS_IN_REMOVAL,
} from '../aws/dynamo-table.ts'
import { createDynamoWrites, IS_NEW, type ItemChange } from '../aws/dynamo-writes.ts'
import { TABLE } from '../contract/environment.ts'
import { DomainError } from '../contract/errors.ts'
import { IS_INSTALLED, taskKey } from '../task/task-item.ts'
import type { JobUsage, Run } from './run.ts'
import {
  decodeInputValue,
  decodeListedRun,
  decodeRun,
  encodeInputValue,
  encodeListedRun,
  encodeRun,
  IN_REMOVAL,
  INPUT_PREFIX,
  inputKey,
  LISTED_RUN_PREFIX,
  listedRunKey,
  runIdOf,
  runKey,
  taskRunsPartition,
  visibleRun,
} from './run-items.ts'
import { type RunRepository, RunStateConflictError, type RunTransition } from './run-repository.ts'
import { statesAllowedBefore } from './states-allowed.ts'
import { isActive, isFinal, isProvisionable, RUN_STATES } from './transitions.ts'

const { partitionKey: INDEX_PARTITION, sortKey: INDEX_TIME } = TABLE.unfinishedIndex

const PROVISIONABLE = RUN_STATES.filter(isProvisionable)

/** An expression may have 4 KB; a provision takes about 30 bytes of it. */
const MAX_PATHS = 100

/** Runs in the table. Every change is one UpdateItem whose condition holds the allowed states. */
export function createDynamoRunRepository(options: DynamoOptions): RunRepository {
  const { client, tableName, identity } = options
  const table = createDynamoTable(options)
  const writes = createDynamoWrites(options)

  async function change(runId: string, { set, ...rest }: ItemChange): Promise<Run> {
    const updatedAt = [['updatedAt'], identity.now().toISOString()] as const
    const { isChanged, item } = await writes.update(runKey(runId), { ...rest, set: [...set, updatedAt] })
    if (isChanged) return decodeRun(item)
    throw new RunStateConflictError(visibleRun(item))
  }

  async function find(runId: string): Promise<Run | undefined> {
    return visibleRun(await table.get(runKey(runId)))
  }

  async function getRuns(keys: readonly ItemKey[]): Promise<Run[]> {
    return (await table.getAll(keys)).map(visibleRun).filter((run) => run !== undefined)
  }

  async function listedIds(taskId: string): Promise<string[]> {
    const ids: string[] = []
    const listed = table.query(taskRunsPartition(taskId), { skPrefix: LISTED_RUN_PREFIX, isDescending: true })
    for await (const item of listed) ids.push(decodeListedRun(item))
    return ids
  }

  const replaceProvisions: RunRepository['replaceProvisions'] = (runId, { from, to }) =>
    change(runId, {
      set: [[['provisions'], to]],
      ...withProvisions(inStates(PROVISIONABLE), from),
    })

  /** Replaces the whole map by optimistic locking. Ends: each repetition means that a concurrent call succeeded. */
  async function mergeProvisions(runId: string, provisions: Run['provisions']): Promise<Run> {
    for (;;) {
      const run = await find(runId)
      if (run === undefined || !isProvisionable(run.state)) throw new RunStateConflictError(run)
      try {
        return await replaceProvisions(runId, {
          from: run.provisions,
          to: { ...run.provisions, ...provisions },
        })
      } catch (error) {
        if (!(error instanceof RunStateConflictError)) throw error
      }
    }
  }

  return {
    async create(run) {
      const isCreated = await writes.transact([
        { check: taskKey(run.taskId), if: IS_INSTALLED },
        { put: encodeRun(run), if: IS_NEW },
        { put: encodeListedRun(run) },
      ])
      if (isCreated) return
      const isTaken = (await table.get(runKey(run.id))) !== undefined
      throw isTaken ? new Error('a run with this id exists') : new DomainError('INTERNAL_TASK_NOT_FOUND')
    },

    async createAll(created) {
      const [first] = created
      if (first === undefined) return
      // Values count only once their run is there, so writing them again changes nothing.
      await table.putAll(created.flatMap(({ values }) => values.map(encodeInputValue)))
      const isCreated = await writes.transact([
        { check: taskKey(first.run.taskId), if: IS_INSTALLED },
        ...created.flatMap(({ run }) => [{ put: encodeRun(run), if: IS_NEW }, { put: encodeListedRun(run) }]),
      ])
      if (isCreated || (await table.get(runKey(first.run.id))) !== undefined) return
      throw new DomainError('INTERNAL_TASK_NOT_FOUND')
    },

    find,

    async listByTask(taskId) {
      return getRuns((await listedIds(taskId)).map(runKey))
    },

    listIdsByTask: listedIds,

    async transition(runId, transition) {
      // No state allows it, and `IN ()` is no valid expression.
      if (statesAllowedBefore(transition).length === 0) {
        throw new RunStateConflictError(await find(runId))
      }
      return change(runId, transitionOf(transition))
    },

    async recordProvisions(runId, provisions) {
      const entries = Object.entries(provisions)
      if (entries.length > MAX_PATHS) return mergeProvisions(runId, provisions)
      return change(runId, {
        set: entries.map(([name, provision]) => [['provisions', name], provision]),
        ...inStates(PROVISIONABLE),
      })
    },

    replaceProvisions,

    async recordJob(runId, job, condition) {
      const states = inStates(RUN_STATES.filter((state) => !isFinal(state)))
      return change(runId, {
        set: [[['job'], job]],
        ...withJob(states, condition),
      })
    },

    async recordUsage(runId, attempt, usage) {
      return (await writes.update(runKey(runId), usageChangeOf(attempt, usage))).isChanged
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
      const found = await table.listUnfinished(ACTIVE_RUNS, limit, {
        after: after && { key: runKey(after.runId), updatedAt: after.updatedAt },
      })
      const runs = await getRuns(found.map(({ key }) => key))
      const last = found.length < limit ? undefined : found.at(-1)
      return {
        // The index is eventually consistent: some of the runs may have ended.
        runs: runs.filter((run) => isActive(run.state)),
        ...(last && { next: { runId: runIdOf(last.key), updatedAt: last.updatedAt } }),
      }
    },

    async beginRemoval(runId) {
      const { isChanged, item } = await writes.update(runKey(runId), {
        set: [
          [[IN_REMOVAL], true],
          [[INDEX_PARTITION], RUNS_IN_REMOVAL],
          [[INDEX_TIME], identity.now().toISOString()],
        ],
        condition: 'attribute_exists(#pk)',
        names: { '#pk': TABLE.partitionKey },
      })
      return isChanged ? decodeRun(item) : undefined
    },

    async listInRemoval(until, limit) {
      return (await table.listUnfinished(RUNS_IN_REMOVAL, limit, { until })).map(({ key }) => runIdOf(key))
    },

    async remove(run) {
      const keys: ItemKey[] = []
      for await (const item of table.query(runKey(run.id).pk, { skPrefix: INPUT_PREFIX })) {
        keys.push(keyOf(item))
      }
      await table.removeAll(keys)
      // Last, so that a removal that was interrupted can be repeated: it finds the run by these items.
      await writes.transact([{ remove: listedRunKey(run) }, { remove: runKey(run.id) }])
    },
  }
}

type Guard = Required<Pick<ItemChange, 'condition' | 'names' | 'values'>>

/** Condition: the run exists, is not being removed, and is in one of the states. */
function inStates(states: readonly Run['state'][]): Guard {
  const values = Object.fromEntries(states.map((state, index) => [`:state${index}`, state]))
  return {
    condition: `#state IN (${Object.keys(values).join(', ')}) AND attribute_not_exists(#inRemoval)`,
    names: { '#state': 'state', '#inRemoval': IN_REMOVAL },
    values,
  }
}

/** Adds the condition that the run has these provisions. */
function withProvisions(guard: Guard, provisions: Run['provisions']): Guard {
  return {
    condition: `${guard.condition} AND #provisions = :provisions`,
    names: { ...guard.names, '#provisions': 'provisions' },
    values: { ...guard.values, ':provisions': provisions },
  }
}

/** Adds the condition that the run's job has this attempt; undefined: that it has no job. */
function withAttempt(guard: Guard, attempt: number | undefined): Guard {
  const names = { ...guard.names, '#job': 'job' }
  if (attempt === undefined) {
    return { ...guard, condition: `${guard.condition} AND attribute_not_exists(#job)`, names }
  }
  return {
    condition: `${guard.condition} AND #job.#attempt = :attempt`,
    names: { ...names, '#attempt': 'attempt' },
    values: { ...guard.values, ':attempt': attempt },
  }
}

/** Adds the condition of {@link RunRepository.recordJob}. */
function withJob(guard: Guard, condition: Parameters<RunRepository['recordJob']>[2]): Guard {
  if (condition === undefined) return guard
  if (!('ifJob' in condition)) return withAttempt(guard, condition.attempt)
  if (condition.ifJob === undefined) return withAttempt(guard, undefined)
  return {
    condition: `${guard.condition} AND #job = :job`,
    names: { ...guard.names, '#job': 'job' },
    values: { ...guard.values, ':job': condition.ifJob },
  }
}

/** The update of {@link RunRepository.recordUsage}. */
export function usageChangeOf(attempt: number, usage: JobUsage): ItemChange {
  const guard = withAttempt(inStates(RUN_STATES.filter(isFinal)), attempt)
  return {
    set: [[['job', 'usage'], usage]],
    condition: `${guard.condition} AND attribute_not_exists(#job.#usage)`,
    names: { ...guard.names, '#usage': 'usage' },
    values: guard.values,
  }
}

/** The update of a transition, without `updatedAt`. */
export function transitionOf(transition: RunTransition): ItemChange {
  const { to, set = {}, attempt, ifJob, ifProvisions } = transition
  const allowed = inStates(statesAllowedBefore(transition))
  const states = ifProvisions === undefined ? allowed : withProvisions(allowed, ifProvisions)
  const facts = Object.entries(set).map(([name, value]) => [[name], value] as const)
  const stateAndFacts = [[['state'], to] as const, ...facts]
  const ofAttempt = attempt === undefined ? states : withAttempt(states, attempt)
  const guard = ifJob === undefined ? ofAttempt : withJob(ofAttempt, { ifJob })
  return isActive(to)
    ? { ...guard, set: [...stateAndFacts, [[INDEX_PARTITION], ACTIVE_RUNS]] }
    : { ...guard, set: stateAndFacts, remove: [INDEX_PARTITION] }
}
