import { randomBytes } from 'node:crypto'
import { DomainError } from '../contract/errors.ts'
import { setRunId } from '../contract/set-run-id.ts'
import { runInputsPrefix } from '../contract/storage-keys.ts'
import { itemIndexKey } from '../inputs/item-index.ts'
import { storeSentValue } from '../inputs/provision-file.ts'
import { storeProvisions } from '../inputs/provision-input.ts'
import type { FileContent, InputValue, Run } from '../run/run.ts'
import type { NewRun } from '../run/run-repository.ts'
import type { RowProblem, RunSet } from '../run/set/run-set.ts'
import type { Identity } from '../shared/identity.ts'
import { mapUntilFailure } from '../shared/map-until-failure.ts'
import type { Task } from '../task/task.ts'
import { type FileDependencies, findFile } from './file-reference.ts'
import { type PlannedFile, problemOf, type RowPlan } from './plan-row.ts'
import type { StoredPlan } from './set-files.ts'

interface Dependencies extends FileDependencies {
  readonly identity: Identity
}

/** Error for files that were removed, or replaced by invalid ones, since the table was validated. */
export class FilesRefusedError extends Error {
  override readonly name = 'FilesRefusedError'
  readonly problems: readonly RowProblem[]

  constructor(problems: readonly RowProblem[], cause?: unknown) {
    super('some files of the run set were refused', { cause })
    this.problems = problems
  }
}

/**
 * Stores the values of a plan: long texts, arrays and files as objects. The keys are deterministic, so a repetition overwrites them.
 * @param ownerId id of the run, or of the set for values that its runs share
 * @param row number of the row, from 1; null for shared values
 * @throws FilesRefusedError
 */
export async function storePlan(
  deps: Dependencies,
  task: Task,
  ownerId: string,
  { plan, row }: { readonly plan: RowPlan; readonly row: RowProblem['row'] },
): Promise<StoredPlan> {
  const values: InputValue[] = []
  const collecting = {
    ...deps,
    identity: { ...deps.identity, uuid: () => ownerId },
    runs: { putInput: async (value: InputValue): Promise<void> => void values.push(value) },
  }
  const owner: Run = newRun(deps, task, ownerId, {})
  let provisions = await storeProvisions(collecting, owner, plan.values)
  for (const file of plan.files) {
    const { name } = file.input
    const value = await storeFile(deps, ownerId, file).catch((error: unknown) => {
      throw error instanceof DomainError
        ? new FilesRefusedError([{ row, ...problemOf(error, name) }], error)
        : error
    })
    values.push(value)
    provisions = { ...provisions, [name]: { kind: 'value', valueId: value.valueId } }
  }
  return { provisions, values }
}

/** @throws DomainError naming the parameter */
async function storeFile(
  deps: Dependencies,
  ownerId: string,
  { input: { name, type }, reference }: PlannedFile,
): Promise<InputValue> {
  const sent = { value: await findFile(deps, reference, name) }
  const owner = { identity: { ...deps.identity, uuid: () => ownerId } }
  return storeSentValue(owner, ownerId, { name, type, parameterName: name }, sent)
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
 * @throws FilesRefusedError
 */
export async function planRun(
  deps: Dependencies,
  { runSet, task }: SetAndTask,
  { row, plan, shared }: PlannedRow,
): Promise<NewRun> {
  const id = setRunId({ setId: runSet.id, row, round: runSet.round })
  const own = await storePlan(deps, task, id, { plan, row: row + 1 })
  const isShared = ({ parameterName }: InputValue): boolean => own.provisions[parameterName] === undefined
  return {
    run: { ...newRun(deps, task, id, { ...shared.provisions, ...own.provisions }), ...reuseOf(runSet) },
    values: [...shared.values.filter(isShared).map((value) => ({ ...value, runId: id })), ...own.values],
  }
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
