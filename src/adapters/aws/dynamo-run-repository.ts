import { PutCommand } from '@aws-sdk/lib-dynamodb'
import type { Run } from '../../domain/run/run.ts'
import { isActive, isFinal, isProvisionable, RUN_STATES } from '../../domain/run/transitions.ts'
import { type RunRepository, RunStateConflictError, type RunTransition } from '../../ports.ts'
import { TABLE } from '../../runtime/environment.ts'
import { statesAllowedBefore } from '../states-allowed.ts'
import { ACTIVE, createDynamoTable, type DynamoOptions, type ItemKey, keyOf } from './dynamo-table.ts'
import { createDynamoWrites, IS_NEW, type ItemChange } from './dynamo-writes.ts'
import {
  decodeInputValue,
  decodeListedRun,
  decodeRun,
  encodeInputValue,
  encodeListedRun,
  encodeRun,
  INPUT_PREFIX,
  inputKey,
  LISTED_RUN_PREFIX,
  listedRunKey,
  runKey,
  taskRunsPartition,
} from './run-items.ts'

const { partitionKey: ACTIVE_RUNS } = TABLE.activeRunsIndex

/** Runs and their inputs in the table; every change is one UpdateItem whose condition is the transition table. */
export function createDynamoRunRepository(options: DynamoOptions): RunRepository {
  const { client, tableName, identity } = options
  const table = createDynamoTable(options)
  const writes = createDynamoWrites(options)

  async function change(runId: string, { set, ...rest }: ItemChange): Promise<Run> {
    const updatedAt = [['updatedAt'], identity.now().toISOString()] as const
    const { isChanged, item } = await writes.update(runKey(runId), { ...rest, set: [...set, updatedAt] })
    if (isChanged) return decodeRun(item)
    throw new RunStateConflictError(item === undefined ? undefined : decodeRun(item))
  }

  async function getRuns(keys: readonly ItemKey[]): Promise<Run[]> {
    return (await table.getAll(keys)).map(decodeRun)
  }

  return {
    async create(run) {
      const isCreated = await writes.transact([
        { put: encodeRun(run), if: IS_NEW },
        { put: encodeListedRun(run) },
      ])
      if (!isCreated) throw new Error('a run with this id exists')
    },

    async find(runId) {
      const item = await table.get(runKey(runId))
      return item === undefined ? undefined : decodeRun(item)
    },

    async listByTask(taskId) {
      const keys: ItemKey[] = []
      const listed = table.query(taskRunsPartition(taskId), {
        skPrefix: LISTED_RUN_PREFIX,
        isDescending: true,
      })
      for await (const item of listed) keys.push(runKey(decodeListedRun(item)))
      return getRuns(keys)
    },

    async transition(runId, transition) {
      // The table forbids the step whatever the run is, and an empty IN is not an expression.
      if (statesAllowedBefore(transition).length === 0) {
        const item = await table.get(runKey(runId))
        throw new RunStateConflictError(item === undefined ? undefined : decodeRun(item))
      }
      return change(runId, transitionOf(transition))
    },

    async recordProvision(runId, parameterName, provision) {
      return change(runId, {
        set: [[['provisions', parameterName], provision]],
        ...inStates(RUN_STATES.filter(isProvisionable)),
      })
    },

    async recordJob(runId, job, condition) {
      const states = inStates(RUN_STATES.filter((state) => !isFinal(state)))
      return change(runId, {
        set: [[['job'], job]],
        ...(condition === undefined ? states : withAttempt(states, condition.attempt)),
      })
    },

    async putInput(value) {
      await client.send(new PutCommand({ TableName: tableName, Item: encodeInputValue(value) }))
    },

    async findInput(runId, parameterName, valueId) {
      const item = await table.get(inputKey({ runId, parameterName, valueId }))
      return item === undefined ? undefined : decodeInputValue(item)
    },

    async listInputs(run) {
      const keys = Object.entries(run.provisions).flatMap(([parameterName, provision]) =>
        provision.kind === 'value'
          ? [inputKey({ runId: run.id, parameterName, valueId: provision.valueId })]
          : [],
      )
      return (await table.getAll(keys)).map(decodeInputValue)
    },

    async listActive(limit) {
      const runs = await getRuns(await table.activeRunKeys(limit))
      // The index lags behind the table: some of the runs may have ended.
      return runs.filter((run) => isActive(run.state))
    },

    async remove(run) {
      const keys: ItemKey[] = []
      for await (const item of table.query(runKey(run.id).pk, { skPrefix: INPUT_PREFIX })) {
        keys.push(keyOf(item))
      }
      await table.removeAll(keys)
      // Last and together: a removal that broke off can be repeated, since the run is still found.
      await writes.transact([{ remove: listedRunKey(run) }, { remove: runKey(run.id) }])
    },
  }
}

type Guard = Required<Pick<ItemChange, 'condition' | 'names' | 'values'>>

/** The run exists and is in one of the states. */
function inStates(states: readonly Run['state'][]): Guard {
  const values = Object.fromEntries(states.map((state, index) => [`:state${index}`, state]))
  return {
    condition: `#state IN (${Object.keys(values).join(', ')})`,
    names: { '#state': 'state' },
    values,
  }
}

/** And its present job has the attempt; undefined: it has no job. */
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

function transitionOf(transition: RunTransition): ItemChange {
  const { to, set = {}, attempt } = transition
  const states = inStates(statesAllowedBefore(transition))
  const facts = Object.entries(set).map(([name, value]) => [[name], value] as const)
  const stateAndFacts = [[['state'], to] as const, ...facts]
  const guard = attempt === undefined ? states : withAttempt(states, attempt)
  return isActive(to)
    ? { ...guard, set: [...stateAndFacts, [[ACTIVE_RUNS], ACTIVE]] }
    : { ...guard, set: stateAndFacts, remove: [ACTIVE_RUNS] }
}
