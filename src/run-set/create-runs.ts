import { randomBytes } from 'node:crypto'
import { DomainError } from '../contract/errors.ts'
import { setRunId } from '../contract/set-run-id.ts'
import { runInputsPrefix } from '../contract/storage-keys.ts'
import { itemIndexKey } from '../inputs/item-index.ts'
import { storeSentValue } from '../inputs/provision-file.ts'
import { storeProvisions } from '../inputs/provision-input.ts'
import type { FileContent, InputValue, Run } from '../run/run.ts'
import type { NewRun } from '../run/run-repository.ts'
import type { RunSet } from '../run/set/run-set.ts'
import type { Identity } from '../shared/identity.ts'
import { mapUntilFailure } from '../shared/map-until-failure.ts'
import type { Task } from '../task/task.ts'
import { type FileDependencies, findFile } from './file-reference.ts'
import type { RowPlan } from './plan-row.ts'
import { invalid } from './row-table.ts'
import type { StoredPlan } from './set-files.ts'

interface Dependencies extends FileDependencies {
  readonly identity: Identity
}

/**
 * Stores the values of a plan: long texts, arrays and files as objects. The keys are deterministic, so a repetition overwrites them.
 * @param ownerId id of the run, or of the set for values that its runs share
 * @throws DomainError when a file was removed, or replaced by an invalid one, since the table was validated
 */
export async function storePlan(
  deps: Dependencies,
  task: Task,
  ownerId: string,
  plan: RowPlan,
): Promise<StoredPlan> {
  const values: InputValue[] = []
  const collecting = {
    ...deps,
    identity: { ...deps.identity, uuid: () => ownerId },
    runs: { putInput: async (value: InputValue): Promise<void> => void values.push(value) },
  }
  const owner: Run = newRun(deps, task, ownerId, {})
  let provisions = await storeProvisions(collecting, owner, plan.values)
  for (const { input, reference } of plan.files) {
    const { name, type } = input
    const sent = { value: await findFile(deps, reference, name) }
    const value = await storeSentValue(collecting, ownerId, { name, type, parameterName: name }, sent)
    values.push(value)
    provisions = { ...provisions, [name]: { kind: 'value', valueId: value.valueId } }
  }
  return { provisions, values }
}

/** A set and its task. */
export interface SetAndTask {
  readonly runSet: RunSet
  readonly task: Task
}

/** A row, from 0, with its values. */
export interface PlannedRow {
  readonly row: number
  readonly plan: RowPlan
  readonly shared: StoredPlan
}

/**
 * Stores the values of a row for its run in the set's current round.
 * @throws DomainError naming the row, as {@link storePlan}
 */
export async function planRun(
  deps: Dependencies,
  { runSet, task }: SetAndTask,
  { row, plan, shared }: PlannedRow,
): Promise<NewRun> {
  const id = setRunId({ setId: runSet.id, row, round: runSet.round })
  const own = await storePlan(deps, task, id, plan).catch((error: unknown) => {
    throw error instanceof DomainError ? inRow(row, error) : error
  })
  const isShared = ({ parameterName }: InputValue): boolean => own.provisions[parameterName] === undefined
  return {
    run: { ...newRun(deps, task, id, { ...shared.provisions, ...own.provisions }), ...reuseOf(runSet) },
    values: [...shared.values.filter(isShared).map((value) => ({ ...value, runId: id })), ...own.values],
  }
}

function inRow(row: number, cause: DomainError): DomainError {
  return invalid(`row ${row + 1}: ${cause.explanation ?? cause.message}`, cause)
}

/** Copies the inputs of an earlier run of a row for its run in the set's current round. */
export async function repeatRun(
  deps: Dependencies,
  { runSet, task }: SetAndTask,
  { row, run }: { readonly row: number; readonly run: Run },
): Promise<NewRun> {
  const id = setRunId({ setId: runSet.id, row, round: runSet.round })
  const copy = (value: InputValue): Promise<InputValue> => copyValue(deps, value, id)
  const values = await mapUntilFailure(await deps.runs.listInputs(run), copy, { concurrency: 4 })
  return { run: { ...newRun(deps, task, id, run.provisions), ...reuseOf(runSet) }, values }
}

function reuseOf({ reuse }: RunSet): Pick<Run, 'reuse'> {
  return reuse === undefined ? {} : { reuse }
}

function newRun({ identity }: Dependencies, task: Task, id: string, provisions: Run['provisions']): Run {
  const at = identity.now().toISOString()
  return {
    id,
    taskId: task.id,
    state: 'PROVISIONED',
    createdAt: at,
    entered: { PROVISIONED: { at } },
    updatedAt: null,
    secret: randomBytes(32).toString('base64url'),
    provisions,
  }
}

/** Copies a value, so that the run keeps it after the earlier run is deleted. Values that the set shares are not copied. */
async function copyValue(deps: Dependencies, value: InputValue, runId: string): Promise<InputValue> {
  const copied = async <Content extends FileContent>(file: Content): Promise<Content> => {
    const prefix = runInputsPrefix(value.runId)
    if (file.kind === 'inline' || !file.key.startsWith(prefix)) return file
    const key = runInputsPrefix(runId) + file.key.slice(prefix.length)
    if ((await deps.objects.copy(file.key, key)) === undefined) throw new Error(`object ${file.key} is gone`)
    if (file.kind === 'tree') await deps.objects.copy(itemIndexKey(file.key), itemIndexKey(key))
    return { ...file, key }
  }
  const file = await copied(value.file)
  return {
    ...value,
    runId,
    file,
    ...(value.companion !== undefined && { companion: await copied(value.companion) }),
  }
}
