import type { JsonValue } from '../contract/json.ts'
import { MAX_TABLE_BYTES } from '../contract/run-set-limits.ts'
import { setIdOf } from '../contract/set-run-id.ts'
import { WorkflowUnavailableError } from '../run/run-workflow.ts'
import { executionNameOf, type RunSet } from '../run/set/run-set.ts'
import type { RunSetRepository } from '../run/set/run-set-repository.ts'
import type { RunSetWorkflow } from '../run/set/run-set-workflow.ts'
import type { Identity } from '../shared/identity.ts'
import { ignoring } from '../shared/ignoring.ts'
import type { Task } from '../task/task.ts'
import { findCompleteUpload } from '../upload/find-upload.ts'
import { sentUpload } from '../upload/sent-file.ts'
import type { FileDependencies } from './file-reference.ts'
import { invalid, jsonRow, readRowTable } from './row-table.ts'
import { storeShared, tableKey } from './set-files.ts'

/** Ports of the creation of a set. */
export interface CreateRunSetDependencies extends Pick<FileDependencies, 'objects' | 'uploads'> {
  readonly identity: Identity
  readonly sets: RunSetRepository
  readonly setWorkflow: RunSetWorkflow
}

/** A client's request for a set. */
export interface NewRunSet {
  readonly name?: string | undefined
  readonly task: Task
  /** Values of all runs. */
  readonly shared: JsonValue
  readonly rows: readonly JsonValue[] | { readonly uploadId: string }
  readonly maxConcurrency: number
  readonly reuse?: boolean
}

/**
 * Stores a set and starts its workflow, which validates it and creates its runs.
 * @throws DomainError RUN_SET_INVALID for a malformed table, UPLOAD_NOT_FOUND, UPLOAD_INVALID_STATE, INTERNAL_TASK_NOT_FOUND
 */
export async function createRunSet(deps: CreateRunSetDependencies, wanted: NewRunSet): Promise<RunSet> {
  const now = deps.identity.now().toISOString()
  jsonRow(wanted.shared, 'shared')
  const runSet: RunSet = {
    id: setIdOf(deps.identity.uuid()),
    ...(wanted.name !== undefined && { name: wanted.name }),
    taskId: wanted.task.id,
    phase: 'validating',
    createdAt: now,
    updatedAt: now,
    maxConcurrency: wanted.maxConcurrency,
    ...(wanted.reuse === true && { reuse: true }),
    round: 1,
    roundRows: [0],
    done: 0,
    executions: 1,
    problemCount: 0,
    problems: [],
  }
  const storeTable = await checkTable(deps, wanted.rows)
  // Created before its files, so that files of an interrupted call are removed with the set.
  await deps.sets.create(runSet)
  try {
    await storeTable(tableKey(runSet.id))
    await storeShared(deps, runSet.id, wanted.shared)
  } catch (error) {
    await deps.sets.beginRemoval(runSet.id)
    throw error
  }
  await startExecution(deps, runSet)
  return runSet
}

/** @returns a function that stores the table under a key */
async function checkTable(
  deps: CreateRunSetDependencies,
  rows: NewRunSet['rows'],
): Promise<(key: string) => Promise<unknown>> {
  if (!('uploadId' in rows)) {
    const text = JSON.stringify(rows)
    // Reports a malformed table at once.
    readRowTable(text)
    return (key) => deps.objects.put(key, text)
  }
  const upload = await findCompleteUpload(deps, rows.uploadId, 'input', 'uploadId')
  const { source, store } = await sentUpload(deps.objects, upload, 'uploadId')
  if (source.sizeBytes > MAX_TABLE_BYTES) {
    throw invalid(`the table has ${source.sizeBytes} bytes; expected at most ${MAX_TABLE_BYTES}`)
  }
  return store
}

/** Starts the set's current execution. During an outage of Step Functions, the sweeper starts it later. */
export async function startExecution(
  { setWorkflow }: { readonly setWorkflow: RunSetWorkflow },
  runSet: RunSet,
): Promise<void> {
  await ignoring(setWorkflow.start(executionNameOf(runSet)), WorkflowUnavailableError)
}
