import { setTimeout as pause } from 'node:timers/promises'
import { FAULTS_PATH, type Faults } from '../../local/batch/faults.ts'
import type { RandomSource } from '../../local/batch/seeded-random.ts'
import type { LocalStack } from '../../local/stack.ts'
import type { CallShares, FaultyProxy } from './faulty-proxy.ts'

const CALL_SHARES: CallShares = {
  fail: 0.015,
  refuse: 0.015,
  'lose-answer': 0.02,
  hang: 0.003,
  'kill-before': 0.003,
  'kill-after': 0.006,
  repeat: 0.3,
}

const BATCH_FAULTS: Pick<Faults, 'events' | 'calls'> = {
  events: { drop: 0.3, double: 0.3, delayMs: 3000 },
  calls: { throttle: 0.05, fail: 0.05, loseAnswer: 0.05, hang: 0.01 },
}

/** Time between two kills of the Batch server. */
const LIVES_MS = { shortest: 10_000, longest: 35_000 }
/** Time between two sweeps; five minutes in production. A run whose last Batch job event was lost waits for the next sweep. */
const SWEEP_PAUSE_MS = 5000
const RESTART_POLL_MS = 50
const MAX_RESTART_MS = 60_000

/**
 * Starts the fault injection, and regular sweeps, whose calls get faults as well.
 * @returns a function that stops both, and resolves when no call is delayed any more
 */
export async function disturb(
  stack: LocalStack,
  proxy: FaultyProxy,
  { seed, random }: { readonly seed: number; readonly random: RandomSource },
): Promise<() => Promise<void>> {
  const ending = new AbortController()
  proxy.setShares(CALL_SHARES)
  await setBatchFaults(stack, { ...BATCH_FAULTS, seed })
  const working = Promise.all([
    repeatedly(
      ending.signal,
      () => lifeOf(random),
      (death) => killBatch(stack, proxy, seed + death),
    ),
    repeatedly(
      ending.signal,
      () => SWEEP_PAUSE_MS,
      () => sweepNow(stack).catch(() => undefined),
    ),
  ])
  // The function below reports this error.
  working.catch(() => undefined)
  return async () => {
    ending.abort()
    await working
    proxy.setShares({})
    await setBatchFaults(stack, {})
    await proxy.settled()
  }
}

function lifeOf(random: RandomSource): number {
  return LIVES_MS.shortest + random('life of the Batch server') * (LIVES_MS.longest - LIVES_MS.shortest)
}

async function repeatedly(
  signal: AbortSignal,
  pauseMs: () => number,
  work: (times: number) => Promise<void>,
): Promise<void> {
  for (let times = 1; ; times += 1) {
    const isOver = await pause(pauseMs(), false, { signal }).catch(() => true)
    if (isOver) return
    await work(times)
  }
}

/** Kills the Batch server, waits for its restart by the supervisor, and enables the faults in the new process. */
async function killBatch(stack: LocalStack, proxy: FaultyProxy, seed: number): Promise<void> {
  const pid = stack.batchPid()
  process.kill(pid, 'SIGKILL')
  proxy.note('kill Batch server')
  const giveUpAt = Date.now() + MAX_RESTART_MS
  while (stack.batchPid() === pid) {
    if (Date.now() > giveUpAt) throw new Error('the supervisor has not restarted the Batch server')
    await pause(RESTART_POLL_MS)
  }
  await setBatchFaults(stack, { ...BATCH_FAULTS, seed })
}

async function setBatchFaults({ batchUrl }: LocalStack, faults: object): Promise<void> {
  const answer = await fetch(new URL(FAULTS_PATH, batchUrl), { method: 'POST', body: JSON.stringify(faults) })
  if (!answer.ok) throw new Error(`faults: ${answer.status} ${await answer.text()}`)
}

/** Invokes sweep-runs like its schedule. */
export async function sweepNow({ emulatorUrl, outputs }: LocalStack): Promise<void> {
  const path = `/2015-03-31/functions/${outputs.sweepRunsFunctionName}/invocations`
  const answer = await fetch(new URL(path, emulatorUrl), { method: 'POST', body: '{}' })
  if (!answer.ok || answer.headers.has('x-amz-function-error')) {
    throw new Error(`sweep-runs: ${answer.status} ${await answer.text()}`)
  }
}
