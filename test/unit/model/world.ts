import { setImmediate as turn } from 'node:timers/promises'
import { changeRunState } from '../../../src/lifecycle/change-run-state.ts'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { deleteTask } from '../../../src/lifecycle/delete-task.ts'
import { failRun } from '../../../src/lifecycle/fail-run.ts'
import { recordJobState } from '../../../src/lifecycle/record-job-state.ts'
import { submitJob } from '../../../src/lifecycle/submit-job.ts'
import { sweepDeletions } from '../../../src/lifecycle/sweep-deletions.ts'
import { sweepRuns } from '../../../src/lifecycle/sweep-runs.ts'
import { collectOutputs } from '../../../src/outputs/collect-outputs.ts'
import { createRun } from '../../../src/run/create-run.ts'
import type { JobDetail } from '../../../src/run/job/job-outcome.ts'
import type { Run } from '../../../src/run/run.ts'
import { WorkflowUnavailableError } from '../../../src/run/run-workflow.ts'
import { isActive, isFinal } from '../../../src/run/transitions.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { provisionInput } from '../../fixtures/provision-by-id.ts'
import { createChance } from './chance.ts'
import { createProcesses } from './processes.ts'
import { createSimulatedBatch } from './simulated-batch.ts'
import { createSimulatedWorkflow } from './simulated-workflow.ts'

/** Options of one random sequence. */
export interface WorldOptions {
  readonly seed: number
  /** If false, only sweeps record job states. */
  readonly hasEvents: boolean
  readonly steps: number
}

const SETTINGS = { graceSeconds: 300, stepLimitSeconds: 10_800, lateWriteSeconds: 600 }
const MAX_RUNS = 3
/** At most the number of the workflow's retries, so that every step can succeed. */
const MAX_FAULTS = 6
const FINAL_FAULTS = 3
/** Shares of calls that fail. A large share uses up the faults at the start, a small one spreads them over the sequence. */
const FAULT_SHARES = [0.02, 0.04, 0.15]
/** Rounds of sweeps, five hours in total: longer than the step limit. */
const PATIENCE_ROUNDS = 60

/**
 * The whole engine on memory adapters: clients, the workflow, Batch, events and sweeps. External calls of all processes are executed one by one, in
 * random order. The use cases are the production code.
 */
export async function createWorld({ seed, hasEvents, steps }: WorldOptions) {
  const chance = createChance(seed)
  const engine = await anEngine()
  const processes = createProcesses(chance)
  const batch = createSimulatedBatch(engine.scheduler, engine.objects, chance)
  const { runs, scheduler, tasks, objects, identity, logs } = engine
  const { queues, report, stagerApiUrl, tags } = engine
  const workflow = createSimulatedWorkflow({
    submitJob: (runId, taskToken) => (onEnd) =>
      processes.spawn(
        { runs, scheduler, tasks, workflow },
        (ports) =>
          submitJob(
            { ...ports, identity, objects, logs, queues, report, stagerApiUrl, tags },
            { runId, taskToken },
          ),
        onEnd,
      ),
    collectOutputs: (runId) => (onEnd) =>
      processes.spawn({ runs, tasks }, (ports) => collectOutputs({ ...ports, objects }, runId), onEnd),
    failRun: (runId, error, cause) => (onEnd) =>
      processes.spawn({ runs, scheduler }, (ports) => failRun(ports, { runId, error, cause }), onEnd),
  })

  const liveExecutions = () => [...workflow.executions.values()].filter(({ status }) => status === 'RUNNING')

  const created: string[] = []
  const ends = new Map<string, Run>()
  const problems: string[] = []
  let events: JobDetail[] = []

  function command(
    work: (ports: {
      runs: typeof runs
      scheduler: typeof scheduler
      workflow: typeof workflow
    }) => Promise<unknown>,
  ): void {
    processes.spawn(
      { runs, scheduler, workflow },
      (ports) => work({ ...ports, workflow: withUnavailableErrors(ports.workflow) }),
      () => undefined,
    )
  }

  /** Errors in the form of the Step Functions adapter. */
  function withUnavailableErrors(port: typeof workflow): typeof workflow {
    return {
      ...port,
      start: (runId) =>
        port.start(runId).catch((cause: unknown) => {
          throw new WorkflowUnavailableError('unavailable', { cause })
        }),
    }
  }

  /** Runs a client that behaves like core. */
  function startRun(): void {
    command(async (ports) => {
      const { id } = await createRun({ ...engine, ...ports }, engine.task)
      created.push(id)
      for (const parameterName of ['a', 'b']) {
        await provisionInput({ ...engine, ...ports }, id, { parameterName, value: 1 })
      }
      await changeRunState({ ...engine, ...ports }, id, 'RUNNING', chance.is(0.5))
    })
  }

  /** Runs a client that cancels or deletes the run, or changes it. */
  function interfere(runId: string): void {
    command((ports) => {
      const deps = { ...engine, ...ports }
      if (chance.is(0.25)) return changeRunState(deps, runId, 'CANCELLED')
      if (chance.is(0.25)) return deleteRun(deps, runId)
      if (chance.is(0.3)) return provisionInput(deps, runId, { parameterName: 'a', value: 2 })
      return changeRunState(deps, runId, 'RUNNING', chance.is(0.5))
    })
  }

  function deleteTheTask(): void {
    command((ports) => deleteTask({ ...engine, ...ports }, engine.task))
  }

  function sweep(): void {
    command(async (ports) => {
      const deps = { ...engine, ...ports, settings: SETTINGS }
      const nothing = (): void => undefined
      await sweepRuns(deps, { timeLeftMs: () => 300_000, onRepair: nothing, onProblem: nothing })
      await sweepDeletions(deps, { isTimeUp: () => false, onTaskDeleted: nothing, onProblem: nothing })
    })
  }

  function deliver(event: JobDetail): void {
    if (!chance.is(0.3)) events = events.filter((other) => other !== event)
    if (chance.is(0.7)) command((ports) => recordJobState({ ...ports, logs }, event))
  }

  /** Possible next steps. Likely ones are listed several times. */
  function possibilities(): readonly (() => void)[] {
    const calls = processes.waiting()
    const all = [...calls, ...calls, ...calls, ...workflow.pauses()]
    all.push(...batch.live().map((job) => () => batch.advance(job)))
    if (hasEvents) all.push(...events.map((event) => () => deliver(event)))
    if (created.length < MAX_RUNS) all.push(startRun)
    if (created.length > 0 && chance.is(0.2)) all.push(() => interfere(chance.pick(created)))
    if (created.length > 0 && chance.is(0.01)) all.push(deleteTheTask)
    all.push(
      sweep,
      () => identity.advance(1),
      () => scheduler.throttle(chance.is(0.2) ? 2 : 0),
    )
    // Not while processes are alive: the time limit of a function is much shorter.
    if (processes.alive() === 0) all.push(() => identity.advance(SETTINGS.graceSeconds))
    return all
  }

  async function happen(what: () => void): Promise<void> {
    what()
    await turn()
    events.push(...batch.takeEvents())
    await observe()
  }

  /** Checks what must be true at any time. */
  async function observe(): Promise<void> {
    for (const runId of created) {
      const run = await runs.find(runId)
      const end = ends.get(runId)
      if (run === undefined) continue
      if (end !== undefined && JSON.stringify(run) !== JSON.stringify(end)) {
        problems.push(`run ${runId} was ${end.state}, and changed to ${JSON.stringify(run)}`)
      }
      if (isFinal(run.state)) ends.set(runId, run)
      if (run.state === 'FINISHED' && end === undefined) checkFinished(run)
    }
  }

  function checkFinished(run: Run): void {
    const outcome = run.reusedFrom === undefined ? batch.outcomes.get(run.job?.jobId ?? '') : 'valid'
    const listing = objects.text(`${run.outputsPrefix}outputs.json`)
    const isOwn = listing?.includes(`"taskRunId":"${run.id}"`) === true
    if (outcome !== 'valid' || !isOwn || !listing?.includes('42')) {
      problems.push(`run ${run.id} is FINISHED with outputs that are ${outcome}: ${listing}`)
    }
  }

  async function isOver(): Promise<boolean> {
    const found = await Promise.all(created.map((runId) => runs.find(runId)))
    const isActiveRun = found.some((run) => run !== undefined && isActive(run.state))
    const inRemoval = await runs.listInRemoval(identity.now(), MAX_RUNS)
    const isRemoving = inRemoval.length > 0 || (await tasks.isInRemoval(engine.task))
    return !isActiveRun && !isRemoving && batch.live().length + liveExecutions().length === 0
  }

  /** Completes everything that is in progress. */
  async function drain(): Promise<void> {
    for (;;) {
      const calls = [...processes.waiting(), ...workflow.pauses()]
      if (calls.length === 0) return
      await happen(chance.pick(calls))
    }
  }

  /** Whether an active run waits for this job. The simulated Batch does not end other jobs. */
  async function isWanted({ jobId }: JobDetail): Promise<boolean> {
    const found = await Promise.all(created.map((runId) => runs.find(runId)))
    return found.some((run) => run?.job?.jobId === jobId && isActive(run.state))
  }

  function problemOf(run: Run): string | undefined {
    if (isActive(run.state)) return `run ${run.id} is still ${run.state}: ${JSON.stringify(run.job)}`
    const { kind, message } = run.failure ?? {}
    const hasSucceeded = batch.outcomes.get(run.job?.jobId ?? '') === 'valid'
    if (run.state === 'FAILED' && hasSucceeded && kind !== 'cancelled') {
      return `run ${run.id} succeeded, but is FAILED: ${message}`
    }
    // No call can fail more often than it is retried.
    if (kind === 'engine-error') {
      return `the engine gave up run ${run.id}: ${message}`
    }
    return undefined
  }

  return {
    async live(): Promise<void> {
      processes.allowFaults(MAX_FAULTS - FINAL_FAULTS, chance.pick(FAULT_SHARES))
      for (let step = 0; step < steps; step += 1) await happen(chance.pick(possibilities()))
      // A process that crashes from here on is the most likely to leave resources behind.
      processes.allowFaults(FINAL_FAULTS, 0.3)
      for (const runId of created) if (chance.is(0.3)) await happen(() => interfere(runId))
      for (let step = 0; step < steps / 4; step += 1) await happen(chance.pick(possibilities()))
    },

    /** Runs only sweeps, without faults, commands and events: every run must end. */
    async settle(): Promise<void> {
      processes.allowFaults(0, 0)
      await drain()
      for (let round = 0; round < PATIENCE_ROUNDS && !(await isOver()); round += 1) {
        for (const job of batch.live()) if (await isWanted(job)) await happen(() => batch.advance(job))
        await happen(sweep)
        await drain()
        identity.advance(SETTINGS.graceSeconds)
      }
    },

    /** Violations that exist at the end, and those that were observed before. */
    async findProblems(): Promise<readonly string[]> {
      const found = await Promise.all(created.map((runId) => runs.find(runId)))
      // Deleted runs may or may not have ended before.
      const counted = [...engine.metrics.counts.values()].reduce((sum, count) => sum + count, 0)
      const ended = found.filter((run) => run !== undefined && isFinal(run.state)).length
      const isCountRight = counted >= ended && counted <= created.length
      return [
        ...problems,
        ...(isCountRight
          ? []
          : [`${counted} ends were counted of ${created.length} runs, ${ended} have one`]),
        ...batch.live().map(({ jobName, status }) => `job ${jobName} is left over: ${status}`),
        ...liveExecutions().map(({ runId }) => `the workflow of run ${runId} is left over`),
        ...(await runs.listInRemoval(identity.now(), MAX_RUNS)).map((id) => `run ${id} is deleted in part`),
        ...((await tasks.isInRemoval(engine.task)) ? ['the task is deleted in part'] : []),
        ...objects
          .keys()
          .filter((key) => !found.some((run) => run !== undefined && key.includes(run.id)))
          .map((key) => `object ${key} has no run`),
        ...found.flatMap((run) => (run === undefined ? [] : (problemOf(run) ?? []))),
      ]
    },
  }
}
