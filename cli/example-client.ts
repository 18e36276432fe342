import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'

/** Inputs of the example task. */
export interface ExampleInputs {
  readonly a: number
  readonly b: number
  readonly text: string
}

/** A refusal by the service, or no response. */
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

/**
 * Client of the service at `baseUrl`, which ends in `/`. Like Cytomine core it does not retry and sends no idempotency key.
 * @param callApi a signing `fetch` if the service requires credentials
 */
export function createExampleClient(baseUrl: string, callApi = fetch) {
  const { call, callWell } = createCalls(baseUrl, callApi)

  return {
    /** @returns false when the task is already installed */
    async upload(bundleFile: string): Promise<boolean> {
      const form = new FormData()
      form.set('task', new Blob([await readFile(bundleFile)]), 'add-and-echo.zip')
      const answer = await call('POST', 'tasks', form)
      if (answer.ok) return true
      if (answer.status === 409) return false
      throw new ServiceError(`the upload was answered with ${answer.status}: ${await reasonOf(answer)}`)
    },

    /** @returns the run's id */
    async createRun(): Promise<string> {
      const answer = await callWell('POST', `tasks/${TASK.namespace}/${TASK.version}/runs`)
      return createdRunSchema.parse(await answer.json()).id
    },

    async provision(runId: string, inputs: ExampleInputs): Promise<void> {
      const provisions = Object.entries(inputs).map(([parameterName, value]) => ({ parameterName, value }))
      await callWell('PUT', `task-runs/${runId}/input-provisions`, provisions)
    },

    async start(runId: string): Promise<void> {
      await callWell('POST', `task-runs/${runId}/state-actions`, { desired: 'RUNNING' })
    },

    /** Calls `onState` at each change of the state. @returns why the run failed; undefined when it finished */
    async follow(runId: string, onState: (state: string) => void): Promise<string | undefined> {
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

    async outputs(runId: string): Promise<Readonly<Record<string, unknown>>> {
      const answer = await callWell('GET', `task-runs/${runId}/outputs`)
      const outputs = outputsSchema.parse(await answer.json())
      return Object.fromEntries(outputs.map(({ parameterName, value }) => [parameterName, value]))
    },

    async logs(runId: string): Promise<string> {
      const answer = await callWell('GET', `task-runs/${runId}/logs`)
      return answer.text()
    },
  }
}

/** The calls of one example run, in the order in which they are made. */
export type ExampleClient = ReturnType<typeof createExampleClient>

function createCalls(baseUrl: string, callApi: typeof fetch) {
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

  return { call, callWell }
}

/** The message of an error body, or the start of the body if it has none. */
async function reasonOf(answer: Response): Promise<string> {
  const text = await answer.text()
  try {
    return errorSchema.parse(JSON.parse(text)).message
  } catch {
    return text.slice(0, 500)
  }
}
