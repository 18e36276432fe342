import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'

/** What the example task is given. */
export interface ExampleInputs {
  readonly a: number
  readonly b: number
  readonly text: string
}

/** An answer of the service that the example cannot go on after; the message says what it was. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
}

const TASK = { namespace: 'org.example.add-and-echo', version: '1.0.0' } as const
const POLL_INTERVAL_MS = 200
const FINAL_STATES: readonly string[] = ['FINISHED', 'FAILED']

const errorSchema = z.object({ message: z.string() })
const createdRunSchema = z.object({ id: z.uuid() })
const runSchema = z.object({ state: z.string(), error: z.object({ message: z.string() }).nullish() })
const outputsSchema = z.array(z.object({ parameterName: z.string(), value: z.unknown() }))

/** The calls of one example run, in the order in which they are made. */
export interface ExampleClient {
  /** @returns false when the task was there already. */
  upload(bundleFile: string): Promise<boolean>
  /** @returns the run's id. */
  createRun(): Promise<string>
  provision(runId: string, inputs: ExampleInputs): Promise<void>
  start(runId: string): Promise<void>
  /** Tells every state once. @returns why the run failed; undefined when it finished. */
  follow(runId: string, onState: (state: string) => void): Promise<string | undefined>
  outputs(runId: string): Promise<Readonly<Record<string, unknown>>>
  logs(runId: string): Promise<string>
}

/**
 * A client of the service at `baseUrl`, which ends in `/`.
 * @param callApi one that signs where the service asks for credentials
 */
export function createExampleClient(baseUrl: string, callApi = fetch): ExampleClient {
  async function call(method: string, path: string, body?: FormData | object): Promise<Response> {
    const isForm = body instanceof FormData
    const answer = await callApi(new URL(path, baseUrl), {
      method,
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
      ...(body === undefined || isForm ? {} : { headers: { 'content-type': 'application/json' } }),
    }).catch((error: unknown) => {
      throw new ServiceError(`Nothing answers at ${baseUrl}: start the service with "npm start" first.`, {
        cause: error,
      })
    })
    return answer
  }

  async function callWell(method: string, path: string, body?: FormData | object): Promise<Response> {
    const answer = await call(method, path, body)
    if (answer.ok) return answer
    throw new ServiceError(`${method} ${path} was answered with ${answer.status}: ${await reasonOf(answer)}`)
  }

  return {
    async upload(bundleFile) {
      const form = new FormData()
      form.set('task', new Blob([await readFile(bundleFile)]), 'add-and-echo.zip')
      const answer = await call('POST', 'tasks', form)
      if (answer.ok) return true
      if (answer.status === 409) return false
      throw new ServiceError(`the upload was answered with ${answer.status}: ${await reasonOf(answer)}`)
    },

    async createRun() {
      const answer = await callWell('POST', `tasks/${TASK.namespace}/${TASK.version}/runs`)
      return createdRunSchema.parse(await answer.json()).id
    },

    async provision(runId, inputs) {
      const provisions = Object.entries(inputs).map(([parameterName, value]) => ({ parameterName, value }))
      await callWell('PUT', `task-runs/${runId}/input-provisions`, provisions)
    },

    async start(runId) {
      await callWell('POST', `task-runs/${runId}/state-actions`, { desired: 'RUNNING' })
    },

    async follow(runId, onState) {
      for (let last: string | undefined; ; ) {
        const answer = await callWell('GET', `task-runs/${runId}`)
        const { state, error } = runSchema.parse(await answer.json())
        if (state !== last) onState(state)
        if (state === 'FAILED') return error?.message ?? 'no reason was given'
        if (FINAL_STATES.includes(state)) return undefined
        last = state
        await delay(POLL_INTERVAL_MS)
      }
    },

    async outputs(runId) {
      const answer = await callWell('GET', `task-runs/${runId}/outputs`)
      const outputs = outputsSchema.parse(await answer.json())
      return Object.fromEntries(outputs.map(({ parameterName, value }) => [parameterName, value]))
    },

    async logs(runId) {
      const answer = await callWell('GET', `task-runs/${runId}/logs`)
      return answer.text()
    },
  }
}

/** The contract's message, or what stands there instead of it. */
async function reasonOf(answer: Response): Promise<string> {
  const text = await answer.text()
  try {
    return errorSchema.parse(JSON.parse(text)).message
  } catch {
    return text.slice(0, 500)
  }
}
