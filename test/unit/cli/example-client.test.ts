import { afterEach, describe, expect, it, vi } from 'vitest'
import { createExampleClient } from '../../../cli/example-client.ts'

const BASE_URL = 'http://service.example/app-engine/v1/'

/** Replaces `fetch` by one with these responses, in order. */
function answerWith(...answers: (Response | Error)[]) {
  const fetching = vi.fn(async (_url: URL, _options: RequestInit) => {
    const answer = answers.shift() ?? new Error('one call too many')
    if (answer instanceof Error) throw answer
    return answer
  })
  vi.stubGlobal('fetch', fetching)
  return fetching
}

afterEach(() => vi.unstubAllGlobals())

describe('example run', () => {
  it('explains how to start the service when it does not answer', async () => {
    answerWith(new TypeError('fetch failed'))
    const client = createExampleClient(BASE_URL)

    const creating = client.createRun()

    await expect(creating).rejects.toThrow(/^Nothing answers at http.*npm start/u)
  })

  it('continues when the task is installed already', async () => {
    answerWith(Response.json({ message: 'Task already exists.' }, { status: 409 }))
    const client = createExampleClient(BASE_URL)

    const isNew = await client.upload('examples/add-and-echo/add-and-echo.zip')

    expect(isNew).toBe(false)
  })

  it('prints the service’s own message for a refusal', async () => {
    answerWith(Response.json({ message: 'invalid parameter type' }, { status: 400 }))
    const client = createExampleClient(BASE_URL)

    const provisioning = client.provision('run-1', { a: 1, b: 2, text: 'x' })

    await expect(provisioning).rejects.toThrow(/400: invalid parameter type/u)
  })

  it('provisions all inputs in one call', async () => {
    const fetching = answerWith(Response.json([]))
    const client = createExampleClient(BASE_URL)

    await client.provision('run-1', { a: 1, b: 2, text: 'x' })

    const [url, options] = fetching.mock.calls[0] ?? []
    expect(String(url)).toBe(`${BASE_URL}task-runs/run-1/input-provisions`)
    expect(JSON.parse(String(options?.body))).toEqual([
      { parameterName: 'a', value: 1 },
      { parameterName: 'b', value: 2 },
      { parameterName: 'text', value: 'x' },
    ])
  })

  it('reports each state once, and finally the reason of a failure', async () => {
    const error = { message: 'the task exited with code 3' }
    answerWith(Response.json({ state: 'RUNNING' }), Response.json({ state: 'FAILED', error }))
    const states: string[] = []
    const client = createExampleClient(BASE_URL)

    const failure = await client.follow('run-1', (state) => states.push(state))

    expect(states).toEqual(['RUNNING', 'FAILED'])
    expect(failure).toBe('the task exited with code 3')
  })
})
