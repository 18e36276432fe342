import { printable } from '../../src/contract/quoted.ts'
import { hasRefusedFiles, MAX_MESSAGE_LENGTH } from '../../src/run/set/run-set.ts'
import type { CountedRunSet, DescribedRunSet } from '../../src/run-set/describe-run-set.ts'
import type { SetRun } from '../../src/run-set/list-set-runs.ts'
import type { Task } from '../../src/task/task.ts'
import type { ListedRunSet, RunSet, RunSetRun } from './openapi/run-set-schemas.ts'
import { viewTask, viewTimes } from './views.ts'

/** A set in a list. */
export function viewListedRunSet(
  { runSet, state, counts, ...cost }: CountedRunSet,
  task: Task | undefined,
): ListedRunSet {
  const { id, name, createdAt, updatedAt, maxConcurrency, round, roundRows } = runSet
  const { usd, remainingUsd } = cost
  return {
    id,
    name: name ?? null,
    task: task === undefined ? null : viewTask(task),
    state,
    createdAt,
    updatedAt,
    maxConcurrency,
    reuse: runSet.reuse ?? false,
    round,
    rows: roundRows[0] ?? 0,
    counts,
    cost: { usd, ...(remainingUsd !== undefined && { remainingUsd }) },
  }
}

/** A set with its problems and failures. */
export function viewRunSet(described: DescribedRunSet, task: Task): RunSet {
  const { problems, problemCount } = described.runSet
  const error = errorOf(described.runSet)
  const failures = described.failures.map(({ message, ...group }) => ({
    ...group,
    message: shownMessage(message),
  }))
  return {
    ...viewListedRunSet(described, task),
    ...(problemCount > 0 && { problems: { count: problemCount, content: problems } }),
    ...(failures.length > 0 && { failures }),
    ...(error !== undefined && { error }),
  }
}

function errorOf(runSet: DescribedRunSet['runSet']): RunSet['error'] {
  if (runSet.failure !== undefined) return { kind: 'engine-error', message: shownMessage(runSet.failure) }
  if (!hasRefusedFiles(runSet)) return undefined
  const message = 'files were removed or replaced after the table was checked: restore them and retry the set'
  return { kind: 'input-staging-failed', message }
}

/** The latest run of a row. */
export function viewSetRun({ row, run }: SetRun): RunSetRun {
  const { id, state, updatedAt, failure, job, reusedFrom } = run
  return {
    row,
    runId: id,
    state,
    updatedAt,
    ...viewTimes(run),
    ...(reusedFrom !== undefined && { reusedFrom }),
    ...(failure !== undefined && { error: { kind: failure.kind, message: shownMessage(failure.message) } }),
    ...(job?.usage !== undefined && { cost: { usd: job.usage.usd } }),
  }
}

/** The lines after the first are the end of the task's log. */
function shownMessage(message: string): string {
  return printable(message.split('\n', 1)[0] ?? '', MAX_MESSAGE_LENGTH)
}
