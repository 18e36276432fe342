import { copyBySize } from '../aws/copy-by-size.ts'
import { DomainError } from '../contract/errors.ts'
import { runInputsPrefix } from '../contract/storage-keys.ts'
import { missingInputs } from '../inputs/completeness.ts'
import { itemIndexKey } from '../inputs/item-index.ts'
import { inInvalidState } from '../inputs/provisioning.ts'
import { createRun } from '../run/create-run.ts'
import { findRunAndTask, type RunAndTask } from '../run/find-run.ts'
import type { FileContent, InputValue, Run } from '../run/run.ts'
import { mapUntilFailure } from '../shared/map-until-failure.ts'
import { type ChangeStateDependencies, changeRunState, checkInputs } from './change-run-state.ts'
import { type DeleteRunDependencies, deleteRun } from './delete-run.ts'

type Dependencies = ChangeStateDependencies & DeleteRunDependencies

/** Maximum number of concurrent writes of input values. */
const WRITES_AT_ONCE = 20

/**
 * Creates a run with the same inputs. Each value is copied, large ones within S3, so that the deletion of the first run does not
 * affect the new one. About 50 GB can be copied within the time limit of a call. If the process crashes, the new run remains CREATED, without
 * inputs.
 * @param isStarted whether to start it
 * @throws DomainError RUN_NOT_FOUND, INTERNAL_TASK_NOT_FOUND, or the reason why it cannot be started; the new run is then removed
 */
export async function rerun(deps: Dependencies, runId: string, isStarted: boolean): Promise<RunAndTask> {
  const source = await findRunAndTask(deps, runId)
  if (isStarted) checkInputs(source.run, source.task)
  const created = await createRun(deps, source.task)
  try {
    await copyInputs(deps, source.run, created)
    const run = await takeInputs(deps, source, created)
    return isStarted ? await changeRunState(deps, run.id, 'RUNNING') : { run, task: source.task }
  } catch (error) {
    await deleteRun(deps, created.id).catch((failure: unknown) =>
      deps.report('copy of a run not deleted', { runId: created.id }, failure),
    )
    throw error
  }
}

/** The copies take effect with this one write. */
async function takeInputs(deps: Dependencies, { run, task }: RunAndTask, created: Run): Promise<Run> {
  const { provisions } = run
  const isComplete = missingInputs(task, { ...created, provisions }).length === 0
  try {
    return isComplete
      ? await deps.runs.transition(created.id, {
          to: 'PROVISIONED',
          from: ['CREATED'],
          ifProvisions: created.provisions,
          set: { provisions },
        })
      : await deps.runs.replaceProvisions(created.id, { from: created.provisions, to: provisions })
  } catch (error) {
    throw inInvalidState(error)
  }
}

/** Copies objects before the items that refer to them. */
async function copyInputs(deps: Dependencies, from: Run, to: Run): Promise<void> {
  const values = await deps.runs.listInputs(from)
  const due = Object.values(from.provisions).filter(({ kind }) => kind === 'value')
  if (values.length < due.length) throw gone(from)
  const keys = values.flatMap(keysOf)
  const stored = new Map<string, number>()
  for (const prefix of new Set(keys.map(ownerPrefix))) {
    for await (const { key, sizeBytes } of deps.objects.list(prefix)) stored.set(key, sizeBytes)
  }
  const copyOf = (key: string): string => runInputsPrefix(to.id) + key.slice(ownerPrefix(key).length)
  if (keys.some((key) => !stored.has(key))) throw gone(from)
  const found = [...keys, ...keys.map(itemIndexKey)].flatMap((key) => {
    const sizeBytes = stored.get(key)
    return sizeBytes === undefined ? [] : [{ key, sizeBytes }]
  })
  await copyBySize(found, async ({ key }) => {
    if ((await deps.objects.copy(key, copyOf(key))) === undefined) throw gone(from)
  })
  const moved = (file: FileContent): FileContent =>
    isStored(file) ? { ...file, key: copyOf(file.key) } : file
  await mapUntilFailure(
    values,
    ({ file, companion, ...value }) =>
      deps.runs.putInput({
        ...value,
        runId: to.id,
        file: moved(file),
        ...(companion && { companion: moved(companion) }),
      }),
    { concurrency: WRITES_AT_ONCE },
  )
}

/** Prefix of the run's inputs, or of the inputs that the runs of a set share. */
function ownerPrefix(key: string): string {
  return key.slice(0, key.indexOf('/') + 1)
}

function isStored(file: FileContent | undefined): file is Exclude<FileContent, { kind: 'inline' }> {
  return file !== undefined && file.kind !== 'inline'
}

function keysOf({ file, companion }: InputValue): string[] {
  return [file, companion].filter(isStored).map(({ key }) => key)
}

function gone({ id }: Run): DomainError {
  return new DomainError('RUN_NOT_FOUND', undefined, {
    words: `run ${id} was deleted while its inputs were copied`,
  })
}
