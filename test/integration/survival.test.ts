import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createExampleClient } from '../../cli/example-client.ts'
import { PROJECT } from '../../local/aws-environment.ts'
import { folderSizeBytes } from '../../local/instance-state.ts'
import { instanceOf } from '../../local/port-stack.ts'
import { findFreePort, isPortTaken } from '../../local/ports.ts'
import { type LocalStack, PART_NAMES, startLocalStack } from '../../local/stack.ts'
import { createProgress } from '../../src/shared/progress.ts'
import { createEventQueue } from './event-queue.ts'

const BUNDLE = 'examples/add-and-echo/add-and-echo.zip'
const INPUTS = { a: 20, b: 22, text: 'still here' }
const OUTPUTS = { sum: 42, echo: 'still here' }
const PATIENT = { timeout: 60_000, interval: 200 }

// A separate stack, because the tests kill its parts, and stop and start it.
const port = await findFreePort()
/** Name that `npm start` would choose, so that `npm run doctor` finds the stack. */
const instance = instanceOf(port)
const options = { instance, port, progress: createProgress(process.stdout) }
let stack: LocalStack

beforeAll(async () => {
  stack = await startLocalStack(options)
  await createExampleClient(stack.baseUrl).upload(BUNDLE)
})
afterAll(async () => {
  await stack.stop()
  await rm(join(PROJECT, '.local', instance), { recursive: true, force: true })
})

async function runExample(): Promise<string> {
  const client = createExampleClient(stack.baseUrl)
  const runId = await client.createRun()
  await client.provision(runId, INPUTS)
  await client.start(runId)
  expect(await client.follow(runId, () => undefined)).toBeUndefined()
  return runId
}

async function outputsOf(runId: string): Promise<object> {
  return createExampleClient(stack.baseUrl).outputs(runId)
}

async function pidOf(part: (typeof PART_NAMES)[number]): Promise<number> {
  return Number(await readFile(stack.pidFiles[part], 'utf8'))
}

/** Calls the API, which uses edge, function and table. @returns whether it succeeded */
async function answersWell(): Promise<boolean> {
  return fetch(new URL('tasks', stack.baseUrl)).then(
    ({ ok }) => ok,
    () => false,
  )
}

/** Runs a program of the project for the stack's port. */
function runCommand(program: string): Promise<{ readonly stdout: string }> {
  const env = { ...process.env, PORT: String(port) }
  return promisify(execFile)('node', [program], { cwd: PROJECT, env })
}

/** Lines of `npm run doctor`, by the names at their beginning. */
async function diagnose(): Promise<Map<string, string>> {
  const { stdout } = await runCommand('local/doctor.ts')
  return new Map(stdout.split('\n').map((line) => [line.slice(0, 18).trim(), line.slice(18)]))
}

describe('a local stack', () => {
  it('is described by the doctor, with process and port of each part', async () => {
    const lines = await diagnose()

    for (const part of PART_NAMES) {
      const [words = '', shown] = (lines.get(part) ?? '').split(', port ')
      expect(words).toBe(`runs as process ${await pidOf(part)}`)
      expect(await isPortTaken(Number(shown))).toBe(true)
    }
    expect(lines.get('container engine')).toMatch(/^(?:docker|podman|embedded)/u)
    expect(lines.get('python3')).toMatch(/^Python 3\./u)
    expect(lines.get('kept state')).toBe(`0.00 GB in .local/${instance}/state`)
    expect(lines.get('disk')).toMatch(/^[\d.]+ GB free, [\d.]+ GB in \.local$/u)
  })

  it.each(PART_NAMES)('restarts its %s after a kill, and keeps its data', async (part) => {
    const runId = await runExample()
    const endedAt = Date.now()
    // The emulator saves its state every 15 seconds; the run must be part of it.
    const savedAt = join(PROJECT, '.local', instance, 'state/emulator/saved-at')
    await vi.waitUntil(async () => Number(await readFile(savedAt, 'utf8')) * 1000 > endedAt, PATIENT)
    const pid = await pidOf(part)

    process.kill(pid, 'SIGKILL')

    await vi.waitUntil(async () => (await pidOf(part)) !== pid, PATIENT)
    await vi.waitUntil(answersWell, PATIENT)
    expect(await outputsOf(runId)).toEqual(OUTPUTS)
    await runExample()
  })

  it('keeps tasks, runs and images over a restart, and continues to send events', async () => {
    const runId = await runExample()
    await stack.stop()
    expect((await diagnose()).get('edge')).toMatch(/^(?:stopped|never started)$/u)

    stack = await startLocalStack(options)

    expect(await outputsOf(runId)).toEqual(OUTPUTS)
    const events = await createEventQueue(stack.emulatorUrl, stack.outputs.eventBusName)
    const laterId = await runExample()
    await events.until(({ type, data }) => type === 'run.finished' && data.id === laterId)
  })

  it('stores its state in a folder, and discards it if it is started fresh', async () => {
    const state = join(PROJECT, '.local', instance, 'state')
    expect(await folderSizeBytes(state)).toBeGreaterThan(0)
    await stack.stop()

    stack = await startLocalStack({ ...options, isFresh: true })

    expect(await (await fetch(new URL('tasks', stack.baseUrl))).json()).toEqual([])
  })

  it('ends with a message if a part exits repeatedly', async () => {
    let failure: string | undefined
    void stack.failed.then((sentence) => {
      failure = sentence
    })
    let killed = 0
    while (failure === undefined) {
      const pid = await pidOf('edge')
      if (pid !== killed) process.kill(pid, 'SIGKILL')
      killed = pid
      await vi.waitUntil(async () => failure !== undefined || (await pidOf('edge')) !== killed, PATIENT)
    }

    expect(failure).toMatch(/^The edge exited 5 times in a row\./u)
  })

  it('can be reset only when it is stopped, and loses its state then', async () => {
    const state = join(PROJECT, '.local', instance, 'state')
    await stack.stop()
    stack = await startLocalStack(options)
    await expect(runCommand('local/reset.ts')).rejects.toThrow(/stop the stack there first/u)
    await stack.stop()

    expect((await runCommand('local/reset.ts')).stdout).toMatch(/^Removed \S+state \(\d+ MB\)\.$/mu)
    expect(existsSync(state)).toBe(false)
  })
})
