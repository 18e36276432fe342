import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readTaskExit } from '../../../stager/task-exit.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

afterEach(closeWebServers)

/** The task's container as the ECS agent returns it; fields of the developer guide, "Task metadata endpoint version 4". */
const described = (changes: object) => ({
  Cluster: 'default',
  TaskARN: 'arn:aws:ecs:us-west-2:111122223333:task/default/158d1c8083dd49d6b527399fd6414f5c',
  Family: 'app-engine',
  Revision: '1',
  DesiredStatus: 'RUNNING',
  KnownStatus: 'RUNNING',
  Limits: { CPU: 0.25, Memory: 512 },
  Containers: [
    { DockerId: '0', Name: 'stage-in', KnownStatus: 'STOPPED', ExitCode: 0 },
    { DockerId: '1', Name: 'task', DesiredStatus: 'STOPPED', Type: 'NORMAL', ...changes },
    { DockerId: '2', Name: 'stage-out', KnownStatus: 'RUNNING' },
  ],
  LaunchType: 'FARGATE',
})

/** Reads the exit code from an endpoint with these responses, in order; the last one is repeated. */
async function ask(...answers: (object | ((response: ServerResponse) => void))[]) {
  const paths: (string | undefined)[] = []
  const server = await aWebServer(({ url }, response) => {
    const answer = answers[Math.min(paths.length, answers.length - 1)]
    paths.push(url)
    if (typeof answer === 'function') answer(response)
    else response.end(JSON.stringify(answer))
  })
  const pause = vi.fn(async () => undefined)
  const exit = await readTaskExit({ ECS_CONTAINER_METADATA_URI_V4: `${server.origin}/v4/id` }, 'task', pause)
  return { exit, paths, pauses: pause.mock.calls.length }
}

describe('the exit code of a task', () => {
  it.each([0, 3, 137])('is that of the metadata endpoint: %i', async (ExitCode) => {
    const { exit, paths } = await ask(described({ KnownStatus: 'STOPPED', ExitCode }))

    expect(exit).toEqual({ exitCode: ExitCode })
    expect(paths).toEqual(['/v4/id/task'])
  })

  it('is requested again until the agent has recorded the end of the container', async () => {
    const running = described({ KnownStatus: 'RUNNING' })
    const withoutCode = described({ KnownStatus: 'STOPPED' })

    const { exit, paths } = await ask(
      (response) => response.writeHead(503).end(),
      running,
      withoutCode,
      described({ KnownStatus: 'STOPPED', ExitCode: 3 }),
    )

    expect([exit, paths.length]).toEqual([{ exitCode: 3 }, 4])
  })

  it.each<[string, object | ((response: ServerResponse) => void), string]>([
    ['has no exit code', described({ KnownStatus: 'STOPPED' }), 'as STOPPED without exit code'],
    [
      'is about a running container',
      described({ KnownStatus: 'RUNNING', ExitCode: 0 }),
      'as RUNNING with exit code 0',
    ],
    ['does not contain the container', { Containers: [] }, 'does not know the container task'],
    ['has another form', { Containers: 'many' }, 'unexpected form'],
    ['is not JSON', (response) => response.end('<html>'), 'unexpected form'],
    ['is an error', (response) => response.writeHead(404).end(), 'HTTP 404'],
    ['is a redirect', (response) => response.writeHead(302, { location: '/' }).end(), ''],
    ['is cut off', (response) => response.destroy(), ''],
    ['has no end', (response) => response.end(Buffer.alloc(300_000)), 'more than 262144 bytes'],
  ])('is unknown, after seven requests, when the response %s', async (_, answer, words) => {
    const { exit, paths, pauses } = await ask(answer)

    expect(exit).toEqual({ problem: expect.stringContaining(words) })
    expect([paths.length, pauses]).toEqual([7, 6])
  })

  it('is unknown without an endpoint', async () => {
    expect(await readTaskExit({}, 'task')).toEqual({ problem: 'ECS_CONTAINER_METADATA_URI_V4 is not set' })
  })
})
