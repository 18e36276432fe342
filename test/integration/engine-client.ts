import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { inject } from 'vitest'
import type { JsonValue } from '../../src/contract/json.ts'
import type { RunFailure } from '../../src/run/run.ts'
import { isFinal, type RunState } from '../../src/run/transitions.ts'
import { checkAnswer } from '../fixtures/answer-checker.ts'

interface RunView {
  readonly id: string
  readonly state: RunState
  readonly error?: RunFailure
}

/** Polling interval; core's web page polls every 2 s. */
const POLL_MS = 50

/** Calls the API through the edge and validates the response against the OpenAPI document. */
export async function call(method: string, path: string, body?: JsonValue | FormData): Promise<Response> {
  const url = new URL(path, inject('baseUrl'))
  const response = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : body instanceof FormData
        ? { body }
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  await checkAnswer(method, url.href, response)
  return response
}

/** Calls the API with {@link call}. @throws Error for any status but 200 */
export async function callOk(method: string, path: string, body?: JsonValue | FormData): Promise<Response> {
  const response = await call(method, path, body)
  if (response.status !== 200) {
    throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  }
  return response
}

/** Installs a task from a bundle, unless another test has done so. @returns the path of the task */
export async function installTask(bundle: string, namespace: string): Promise<string> {
  const form = new FormData()
  form.append('task', new Blob([await readFile(bundle)]), 'bundle.zip')
  const response = await call('POST', 'tasks', form)
  if (response.status !== 200 && response.status !== 409) {
    throw new Error(`upload of ${bundle}: ${response.status} ${await response.text()}`)
  }
  return `tasks/${namespace}/1.0.0`
}

/** Creates and starts a run of a task. @returns its path */
export async function startRun(task: string, inputs: Readonly<Record<string, JsonValue>>): Promise<string> {
  const { id } = (await (await callOk('POST', `${task}/runs`)).json()) as RunView
  const run = `task-runs/${id}`
  for (const [name, value] of Object.entries(inputs)) {
    await callOk('PUT', `${run}/input-provisions/${name}`, { parameterName: name, value })
  }
  await callOk('POST', `${run}/state-actions`, { desired: 'RUNNING' })
  return run
}

async function describeRun(run: string): Promise<RunView> {
  return (await (await callOk('GET', run)).json()) as RunView
}

/** Polls the run until it is in one of the states. Adds every observed state to `seen`. */
export async function waitForState(
  run: string,
  states: readonly RunState[] | 'final',
  seen: RunState[] = [],
): Promise<RunView> {
  for (;;) {
    const view = await describeRun(run)
    if (seen.at(-1) !== view.state) seen.push(view.state)
    if (states === 'final' ? isFinal(view.state) : states.includes(view.state)) return view
    if (isFinal(view.state)) throw new Error(`the run is ${view.state}: ${JSON.stringify(view.error)}`)
    await pause(POLL_MS)
  }
}

/** Returns the values of the outputs by name. */
export async function outputsOf(run: string): Promise<Record<string, JsonValue>> {
  const values = (await (await callOk('GET', `${run}/outputs`)).json()) as {
    readonly parameterName: string
    readonly value: JsonValue
  }[]
  return Object.fromEntries(values.map(({ parameterName, value }) => [parameterName, value]))
}
