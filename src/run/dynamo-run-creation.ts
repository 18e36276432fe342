import { marshall } from '@aws-sdk/util-dynamodb'
import { type DynamoTable, type ItemKey, keyOf } from '../aws/dynamo-table.ts'
import { type Condition, type DynamoWrites, IS_NEW } from '../aws/dynamo-writes.ts'
import { DomainError } from '../contract/errors.ts'
import { placeInSet } from '../contract/set-run-id.ts'
import { IS_INSTALLED, taskKey } from '../task/task-item.ts'
import type { Run } from './run.ts'
import { encodeInputValue, encodeListedRun, encodeRun, IN_REMOVAL, runIdOf, runKey } from './run-items.ts'
import type { NewRun, RunRepository } from './run-repository.ts'
import { runSetKey } from './run-set-key.ts'

/**
 * Maximum size of the runs of one transaction as sent, where a number takes 14 bytes more than in JSON. DynamoDB allows 4 MB of stored
 * items, which are smaller. The local emulator allows requests of 4 MB, and takes seconds for one on a busy machine.
 */
const MAX_TRANSACTION_BYTES = 1_000_000

/** Creation of runs in the table. */
export function createDynamoRunCreation(
  table: DynamoTable,
  writes: DynamoWrites,
): Pick<RunRepository, 'create' | 'createAll'> {
  /** Each repetition has fewer runs, so the loop ends. */
  async function createMissing(runs: readonly Run[], conditions: readonly Check[]): Promise<void> {
    const isCreated = await writes.transact([
      ...conditions,
      ...runs.flatMap((run) => [{ put: encodeRun(run), if: IS_NEW }, { put: encodeListedRun(run) }]),
    ])
    if (isCreated) return
    const present = new Set((await table.getAll(runs.map(({ id }) => runKey(id)))).map(keyOf).map(runIdOf))
    const missing = runs.filter(({ id }) => !present.has(id))
    if (missing.length === runs.length) throw await refusalOf(runs[0])
    if (missing.length > 0) await createMissing(missing, conditions)
  }

  /** Error for the condition that failed. */
  async function refusalOf(run: Run | undefined): Promise<DomainError> {
    const place = placeInSet(run?.id ?? '')
    const found = place && (await table.get(runSetKey(place.setId)))
    const isCreating = found?.phase === CREATING && found.round === place?.round
    if (place === undefined || (isCreating && !Object.hasOwn(found, IN_REMOVAL))) {
      return new DomainError('INTERNAL_TASK_NOT_FOUND')
    }
    const words = 'the run set was cancelled or deleted while its runs were created'
    return new DomainError('RUN_SET_INVALID_STATE', undefined, { words })
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
      for (const part of partsOf(created)) {
        const [first] = part
        if (first === undefined) continue
        // Values count only with their run, so writing them again has no effect.
        await table.putAll(part.flatMap(({ values }) => values.map(encodeInputValue)))
        await createMissing(
          part.map(({ run }) => run),
          conditionsOf(first.run),
        )
      }
    },
  }
}

interface Check {
  readonly check: ItemKey
  readonly if: Condition
}

/** Phase in which runs of a set may be created. */
const CREATING = 'creating'

/** Conditions: the task is installed, and the set still creates runs of this round, since a worker may be late. */
function conditionsOf({ id, taskId }: Run): readonly Check[] {
  const ofTask = { check: taskKey(taskId), if: IS_INSTALLED }
  const place = placeInSet(id)
  if (place === undefined) return [ofTask]
  const isCreating: Condition = {
    condition: '#phase = :phase AND #round = :round AND attribute_not_exists(#inRemoval)',
    values: { ':phase': CREATING, ':round': place.round },
  }
  return [ofTask, { check: runSetKey(place.setId), if: isCreating }]
}

/** Splits the runs into parts that each fit into a transaction. */
function* partsOf(created: readonly NewRun[]): Generator<readonly NewRun[], void, undefined> {
  let part: NewRun[] = []
  let partBytes = 0
  for (const one of created) {
    const sizeBytes = Buffer.byteLength(
      JSON.stringify(marshall(encodeRun(one.run), { removeUndefinedValues: true })),
    )
    if (partBytes + sizeBytes > MAX_TRANSACTION_BYTES) {
      yield part
      part = []
      partBytes = 0
    }
    part.push(one)
    partBytes += sizeBytes
  }
  yield part
}
