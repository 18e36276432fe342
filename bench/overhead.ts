/*
 * Measures the time that the service adds to a container: the time of a run of the example task from `state-actions` to FINISHED, minus
 * that of the same image run by the engine alone with the same options. The example task does almost nothing:
 *
 *   npm run bench:overhead [-- [--rounds 10]]
 *
 * A run ends at the time that is stored with FINISHED. Further rounds poll the run's item and show the duration of each step; the polls
 * themselves take a little time. Prints medians, and exits with 1 when the target is missed.
 */
import { randomBytes } from 'node:crypto'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { BatchClient, DescribeJobsCommand } from '@aws-sdk/client-batch'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
import { createExampleClient, type ExampleClient } from '../cli/example-client.ts'
import type { ContainerTask } from '../local/batch/container-arguments.ts'
import { temporaryFolder } from '../local/clean-up.ts'
import { PROBE, withProbeArchive } from '../local/engine/probe-image.ts'
import { startTemporaryStack } from '../local/stack.ts'
import { CONTAINERS } from '../src/run/job/job-definition.ts'
import type { Run } from '../src/run/run.ts'
import { decodeRun, runKey } from '../src/run/run-items.ts'
import { isFinal } from '../src/run/transitions.ts'
import { createProgress } from '../src/shared/progress.ts'
import { timeOf } from './measure.ts'
import { quantile } from './quantile.ts'

const PROJECT = join(import.meta.dirname, '..')
const BUNDLE = join(PROJECT, 'examples/add-and-echo/add-and-echo.zip')
const INPUTS = { a: 2, b: 3, text: 'x' } as const

const TARGET_MS = 1500
/** Polling interval. Does not affect the measured time, because the end is read from the run. */
const POLL_MS = 250
const WATCH_MS = 10
/** CPUs and memory of the example's descriptor. */
const RESOURCES = [
  { type: 'VCPU', value: '1' },
  { type: 'MEMORY', value: '64' },
] as const

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '10' } } })
const ROUNDS = Number(options.rounds)
if (!Number.isSafeInteger(ROUNDS) || ROUNDS < 1) throw new Error('--rounds takes a whole number')

const instance = `bench-${randomBytes(4).toString('hex')}`
const directory = join(PROJECT, '.local', instance)
const local = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }
await using stack = await startTemporaryStack({ instance, progress: createProgress(process.stdout) })
const batch = new BatchClient({ ...local, endpoint: stack.batchUrl })
const table = DynamoDBDocumentClient.from(new DynamoDBClient({ ...local, endpoint: stack.emulatorUrl }))
const client = createExampleClient(stack.baseUrl)
await client.upload(BUNDLE)
await withContainer(async (runContainer) => {
  await measureOverhead(client, runContainer)
})
await measureSteps(client)

/** Calls `use` with a function that runs the image alone, with the options of the local Batch server, until the container has ended. */
async function withContainer(use: (run: () => Promise<void>) => Promise<void>): Promise<void> {
  await using temporary = await temporaryFolder('app-engine-')
  const folder = temporary.path
  // The container may run as any user.
  await chmod(folder, 0o777)
  for (const [name, value] of Object.entries(INPUTS)) await writeFile(join(folder, name), String(value))
  await withProbeArchive((archive) => stack.engine.images.load(archive))
  let number = 0
  try {
    await use(async () => {
      number += 1
      const { exitCode, reason } = await stack.engine.run({
        task: aloneTask(folder, number),
        logs: undefined,
        signal: new AbortController().signal,
        onStarted: () => {},
      })
      if (exitCode !== 0) throw new Error(`the container ended with ${exitCode}: ${reason}`)
    })
  } finally {
    await stack.engine.removeStaleContainers()
  }
}

function aloneTask(folder: string, number: number): ContainerTask {
  const mount = (sourceVolume: string) => ({
    sourceVolume,
    containerPath: `/${sourceVolume}`,
    readOnly: false,
  })
  return {
    container: {
      name: CONTAINERS.task,
      image: PROBE.image,
      command: [],
      environment: [],
      essential: true,
      dependsOn: [],
      mountPoints: [mount('inputs'), mount('outputs')],
      resourceRequirements: [...RESOURCES],
    },
    jobId: `alone-${number}`,
    attempt: 1,
    instance,
    root: folder,
    directories: { inputs: folder, outputs: folder },
  }
}

async function measureOverhead(client: ExampleClient, runContainer: () => Promise<void>): Promise<void> {
  const alone: number[] = []
  const runs: number[] = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    const aloneMs = await timeOf(runContainer)
    const { startedAt, run } = await startRun(client)
    const runMs = endOf(await waitForEnd(run)) - startedAt
    // The first container and run start processes and fill caches.
    if (round === 0) continue
    alone.push(aloneMs)
    runs.push(runMs)
    console.log(`round ${String(round).padStart(2)}: container ${aloneMs.toFixed(0)} ms, run ${runMs} ms`)
  }
  const overhead = quantile(runs, 0.5) - quantile(alone, 0.5)
  const isReached = overhead < TARGET_MS
  console.log(`container alone, median                ${quantile(alone, 0.5).toFixed(0)} ms`)
  console.log(`state-actions to FINISHED, median      ${quantile(runs, 0.5).toFixed(0)} ms`)
  console.log(
    `overhead                               ${overhead.toFixed(0)} ms, target < ${TARGET_MS} ms, ${isReached ? 'reached' : 'MISSED'}`,
  )
  if (!isReached) process.exitCode = 1
}

async function startRun(
  client: ExampleClient,
): Promise<{ readonly startedAt: number; readonly run: string }> {
  const run = await client.createRun()
  await client.provision(run, INPUTS)
  const startedAt = Date.now()
  await client.start(run)
  return { startedAt, run }
}

/** Reads the run from the table, because an API request would call a function. */
async function readRun(runId: string): Promise<Run> {
  const { Item = {} } = await table.send(
    new GetCommand({ TableName: stack.outputs.tableName, Key: runKey(runId), ConsistentRead: true }),
  )
  return decodeRun(Item)
}

async function waitForEnd(runId: string): Promise<Run> {
  for (;;) {
    const run = await readRun(runId)
    if (isFinal(run.state)) return run
    await pause(POLL_MS)
  }
}

/** @throws Error when the run has failed */
function endOf(run: Run): number {
  if (run.state === 'FINISHED' && run.updatedAt !== null) return Date.parse(run.updatedAt)
  throw new Error(`the run is ${run.state}: ${JSON.stringify(run.failure)}`)
}

/** Steps of a run by name, in milliseconds from its start. */
type Steps = ReadonlyMap<string, number>

async function measureSteps(client: ExampleClient): Promise<void> {
  const rounds: Steps[] = []
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await watchRun(client))
  console.log('\nsteps of a run, medians in ms since state-actions (and since the line before)')
  const medians = [...new Set(rounds.flatMap((steps) => [...steps.keys()]))].map((name) => {
    const times = rounds.flatMap((steps) => steps.get(name) ?? [])
    return { name, median: quantile(times, 0.5) }
  })
  let before = 0
  for (const { name, median } of medians.sort((one, other) => one.median - other.median)) {
    console.log(
      `${name.padEnd(38)} ${median.toFixed(0).padStart(6)} ${(median - before).toFixed(0).padStart(6)}`,
    )
    before = median
  }
}

async function watchRun(client: ExampleClient): Promise<Steps> {
  const id = await client.createRun()
  await client.provision(id, INPUTS)
  const startedAt = Date.now()
  const steps = new Map<string, number>()
  const mark = (name: string, at: number): void => void steps.set(name, at - startedAt)
  const answered = client.start(id).then(() => mark('state-actions answered', Date.now()))
  let run = await readRun(id)
  for (let state = run.state; !isFinal(state); run = await readRun(id)) {
    // Uses the time stored in the run, because a poll may be late.
    if (run.state !== state && run.updatedAt !== null) mark(`run is ${run.state}`, Date.parse(run.updatedAt))
    state = run.state
    await pause(WATCH_MS)
  }
  await answered
  mark('run is FINISHED', endOf(run))
  const { jobs: [job] = [] } = await batch.send(new DescribeJobsCommand({ jobs: [run.job?.jobId ?? ''] }))
  if (job?.createdAt !== undefined) mark('Batch: job submitted', job.createdAt)
  if (job?.stoppedAt !== undefined) mark('Batch: job ended', job.stoppedAt)
  for (const [container, at] of await containerStarts(job?.jobId ?? ''))
    mark(`Batch: ${container} starts`, at)
  return steps
}

/** Start times of the containers of a job, from the Batch server's log. */
async function containerStarts(jobId: string): Promise<readonly (readonly [string, number])[]> {
  const log = await readFile(join(directory, 'log/batch.log'), 'utf8')
  const lines = log.matchAll(new RegExp(`^(\\S+) job ${jobId}: (\\S+) \\(`, 'gmu'))
  return [...lines].map(([, time = '', container = '']) => [container, Date.parse(time)])
}
