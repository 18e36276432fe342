import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type LocalStack, startTemporaryStack } from '../local/stack.ts'
import { STAGER_VARIABLES } from '../src/contract/staging.ts'
import { createProgress } from '../src/shared/progress.ts'
import { type CountingProxy, startCountingProxy } from '../test/fixtures/counting-proxy.ts'
import { type ProcessWatch, watchProcesses } from './process-watch.ts'

/*
 * Common code of bench/inputs.ts and bench/outputs.ts: starts a separate local stack, runs the probe task, and prints measurements with
 * their targets.
 */

const PROJECT = join(import.meta.dirname, '..')
const BUNDLE = join(PROJECT, 'test/fixtures/probe-task/probe-task.zip')
const TASK = 'tasks/org.example.probe-task/1.0.0'
const STAGE_IN = 'stage-in'
export const STAGE_OUT = 'stage-out'

const POLL_MS = 100
/** Number of equal calls, after one that is not counted. The slowest counts. */
export const REPEATS = 10

/** A measured value; `target` is its exclusive upper bound. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly target?: number
}

/** Prints a measurement on one line. Sets the exit code 1 when the target is missed. */
export function print({ name, value, unit, target }: Figure): void {
  const rounded = Number.isInteger(value) ? String(value) : value.toFixed(1)
  const words = `${name.padEnd(56)} ${rounded} ${unit}`
  if (target === undefined) {
    console.log(words)
    return
  }
  const isReached = value < target
  if (!isReached) process.exitCode = 1
  console.log(`${words.padEnd(72)} target < ${target} ${unit}, ${isReached ? 'reached' : 'MISSED'}`)
}

/** A request to S3. */
export interface CountedRequest {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly method: string
  readonly path: string
  /** Whether the request used a presigned URL instead of credentials. */
  readonly isPresigned: boolean
}

/** A running stack with its measurements. */
export interface Bench {
  readonly stack: LocalStack
  /** Requests to S3 so far. */
  readonly requests: readonly CountedRequest[]
  readonly watch: ProcessWatch
  /** Does not follow redirects. @throws Error when the status is 400 or more */
  call(method: string, path: string, body?: FormData | string): Promise<Response>
}

/** Starts a stack, calls `measure`, prints the peak memory of each kind of process, and removes the stack. */
export async function withBench(measure: (bench: Bench) => Promise<void>): Promise<void> {
  const instance = `bench-${randomBytes(4).toString('hex')}`
  const requests: CountedRequest[] = []
  let proxy: CountingProxy | undefined
  const options = {
    instance,
    progress: createProgress(process.stdout),
    s3Through: async (url: string) => {
      proxy ??= await startCountingProxy(url, ({ method = 'GET', url: path = '/' }) => {
        requests.push({ at: Date.now(), method, path, isPresigned: path.includes('X-Amz-Signature=') })
      })
      return proxy.url
    },
  }
  try {
    await using stack = await startTemporaryStack(options)
    const watch = watchStack(stack)
    try {
      const call: Bench['call'] = (method, path, body) => callOk(stack, method, path, body)
      await measure({ stack, requests, watch, call })
      for (const { name, peakMib } of watch.peaks()) {
        print({ name: `peak memory of ${name}`, value: peakMib, unit: 'MiB', target: 512 })
      }
    } finally {
      watch.stop()
    }
  } finally {
    proxy?.stop()
  }
}

function watchStack(stack: LocalStack): ProcessWatch {
  return watchProcesses((environment, command) => {
    // Ignores the processes of other stacks on this machine.
    if (environment.get(STAGER_VARIABLES.apiUrl)?.startsWith(`${stack.apiUrl}/`)) {
      return [STAGE_IN, STAGE_OUT].find((name) => command.includes(name))
    }
    const isOurs = environment.get('AWS_ENDPOINT_URL') === stack.emulatorUrl
    const name = isOurs ? environment.get('AWS_LAMBDA_FUNCTION_NAME') : undefined
    // CloudFormation's name consists of stack, construct and hash.
    return name?.replace(/^.*-(\w+)Function.*$/u, '$1')
  })
}

async function callOk(
  stack: LocalStack,
  method: string,
  path: string,
  body?: FormData | string,
): Promise<Response> {
  const headers: Record<string, string> =
    typeof body === 'string' ? { 'content-type': 'application/json' } : {}
  const answer = await fetch(new URL(path, stack.baseUrl), {
    method,
    headers,
    redirect: 'manual',
    ...(body !== undefined && { body }),
  })
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return answer
}

export async function installProbe({ call }: Bench): Promise<void> {
  const form = new FormData()
  form.append('task', new Blob([await readFile(BUNDLE)]), 'bundle.zip')
  await call('POST', 'tasks', form)
}

/** Creates a run of the probe task. @returns its path */
export async function createRun({ call }: Bench): Promise<string> {
  const { id } = (await (await call('POST', `${TASK}/runs`)).json()) as { readonly id: string }
  return `task-runs/${id}`
}

export async function provision({ call }: Bench, path: string, name: string, value: unknown): Promise<void> {
  const body = JSON.stringify({ parameterName: name, value })
  await (await call('PUT', `${path}/input-provisions/${name}`, body)).arrayBuffer()
}

/**
 * Starts a run and waits for its end.
 * @returns when the state FINISHED was first seen, in milliseconds since 1970
 * @throws Error when the run is FAILED
 */
export async function finishRun({ call }: Bench, path: string): Promise<number> {
  await call('POST', `${path}/state-actions`, JSON.stringify({ desired: 'RUNNING' }))
  for (;;) {
    const { state, error } = (await (await call('GET', path)).json()) as {
      readonly state: string
      readonly error?: unknown
    }
    if (state === 'FAILED') throw new Error(`the run is FAILED: ${JSON.stringify(error)}`)
    if (state === 'FINISHED') return Date.now()
    await pause(POLL_MS)
  }
}

/** Duration of one call, in milliseconds. */
export async function timeOf(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await call()
  return performance.now() - start
}

/** Duration of the slowest of {@link REPEATS} calls, in milliseconds. */
export async function slowest(call: () => Promise<unknown>): Promise<number> {
  await call()
  const times: number[] = []
  for (let i = 0; i < REPEATS; i += 1) times.push(await timeOf(call))
  return Math.max(...times)
}
