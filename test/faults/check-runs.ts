import { isDeepStrictEqual } from 'node:util'
import { SERVER_STOPPED } from '../../local/batch/attempt-outcome.ts'
import type { RunView } from './persistent-client.ts'
import { FAILING_EXIT_CODE, type RunPlan } from './run-plan.ts'
import type { StackState } from './stack-state.ts'

/** A started run in its final state. */
export interface EndedRun {
  readonly plan: RunPlan
  readonly id: string
  /** undefined when the run no longer exists. */
  readonly view: RunView | undefined
  /** Outputs of a FINISHED run, or the error of reading them. */
  readonly outputs?: Readonly<Record<string, unknown>> | Error
}

/**
 * Checks the final states of the runs. @returns one sentence for each fault
 * @param deletedSets ids of the deleted run sets, of which no data may be left
 */
export function findViolations(
  runs: readonly EndedRun[],
  deletedSets: readonly string[],
  state: StackState,
): readonly string[] {
  const gone = runs.filter(({ plan }) => plan.intent === 'delete').map(({ id }) => id)
  return [
    ...runs.flatMap((run) => violationsOf(run, state)),
    ...orphanedResources([...gone, ...deletedSets.flatMap((id) => idsOfSet(id, state))], state),
  ]
}

/** Ids of a set and its runs that still have items or objects. All ids of a set begin with the same characters. */
function idsOfSet(setId: string, { tableRuns, objects }: StackState): readonly string[] {
  const start = setId.slice(0, -6)
  return [...new Set([...tableRuns.keys(), ...objects.keys()])].filter((id) => id.startsWith(start))
}

/** Final state of a run, followed by the kind of its failure. */
export function endOf({ view }: EndedRun): string {
  if (view === undefined) return 'deleted'
  return view.error === undefined ? view.state : `${view.state} ${view.error.kind}`
}

function violationsOf(run: EndedRun, state: StackState): string[] {
  const { plan, id, view } = run
  const wrong = (words: string): string[] => [`run ${plan.number} (${plan.intent}) ${id}: ${words}`]
  if (view === undefined) return plan.intent === 'delete' ? [] : wrong('no longer exists')
  if (plan.intent === 'delete') return wrong('still exists after its deletion')
  if (view.state === 'FINISHED') {
    if (plan.intent === 'fail') return wrong('FINISHED although its task failed')
    return outputsAreRight(run) ? [] : wrong(`FINISHED with ${describe(run.outputs)}`)
  }
  if (view.state !== 'FAILED') return wrong(`is still ${view.state}`)
  return isExplained(run, state)
    ? []
    : wrong(`FAILED without an injected cause: ${JSON.stringify(view.error)}`)
}

function outputsAreRight({ plan, outputs }: EndedRun): boolean {
  if (outputs === undefined || outputs instanceof Error) return false
  return isDeepStrictEqual(outputs, plan.outputs)
}

function describe(outputs: EndedRun['outputs']): string {
  return outputs instanceof Error ? String(outputs) : JSON.stringify(outputs)
}

/**
 * Whether a FAILED run has a cause: its task failed, it was cancelled, or the Batch server was killed during its job. In each case the job
 * of its last attempt has failed, except that a run may be cancelled after its job and before the collection of its outputs.
 */
function isExplained({ plan, id, view }: EndedRun, { jobs }: StackState): boolean {
  const { kind, exitCode, message = '' } = view?.error ?? {}
  if (plan.intent === 'cancel' && kind === 'cancelled') return true
  const last = jobs.get(id)?.at(-1)
  if (last?.status !== 'FAILED') return false
  if (plan.intent === 'fail' && kind === 'task-failed') return exitCode === FAILING_EXIT_CODE
  return kind === 'engine-error' && message.includes(SERVER_STOPPED)
}

/** One sentence for each kind of resource that was not removed. */
function orphanedResources(gone: readonly string[], state: StackState): string[] {
  const { tableRuns, jobs, runningExecutions, objects, containers, stagers } = state
  const there = new Set([...tableRuns.keys()])
  const liveJobs = [...jobs.values()]
    .flat()
    .filter(({ status }) => status !== 'SUCCEEDED' && status !== 'FAILED')
    .map(({ jobName, status }) => `${jobName} ${status}`)
  const found: readonly (readonly [string, readonly string[]])[] = [
    ['active runs', [...tableRuns].filter(([, { isActive }]) => isActive).map(([id]) => id)],
    ['items of deleted runs', gone.filter((id) => there.has(id))],
    ['objects without a run', [...objects].filter(([id]) => !there.has(id)).flatMap(([, keys]) => keys)],
    ['jobs that have not ended', liveJobs],
    ['running executions', runningExecutions],
    ['containers', containers],
    ['stagers', stagers],
  ]
  return found.flatMap(([what, names]) =>
    names.length === 0 ? [] : [`${names.length} ${what} left over: ${names.join(', ')}`],
  )
}
