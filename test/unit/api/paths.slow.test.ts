import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createHandler } from '../../../lambdas/api/handler.ts'
import { RUN_ID, TASK_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { GATEWAYS } from '../../fixtures/gateway.ts'

const BASE = '/app-engine/v1'
const NAME = 'com.example.addition'
const ID = '44444444-4444-4444-8444-444444444444'

/** Characters that form another name when they are added before or after a name. */
const ADDITIONS = [
  '%23',
  '%23x',
  '%3F',
  '%3Fx=1',
  '%25',
  '%2523',
  '%00',
  '%0A',
  '%09',
  '%20',
  '%5C',
  '%C3%A9',
  '%FF',
  '%2E',
]

/** One path for each variable of the contract; `@` stands for the name. */
const VARIABLES = [
  ['DELETE', `tasks/${NAME}/@`, '1.0.0'],
  ['DELETE', 'tasks/@/1.0.0', NAME],
  ['GET', 'tasks/@', TASK_ID],
  ['GET', `tasks/${NAME}/@/inputs`, '1.0.0'],
  ['POST', `tasks/${NAME}/@/runs`, '1.0.0'],
  ['GET', 'task-runs/@', RUN_ID],
  ['GET', 'task-runs/@/logs', RUN_ID],
  ['GET', `task-runs/${RUN_ID}/input/@`, 'a'],
  ['GET', `task-runs/${RUN_ID}/output/@`, 'sum'],
  ['GET', 'uploads/@', ID],
  ['PUT', 'stores/@/default', ID],
] as const

describe.each(GATEWAYS)('the API, called through $name,', (gateway) => {
  const ask = async (method: string, path: string) => {
    const engine = await anEngine({ run: { state: 'PROVISIONED' } })
    const { statusCode, headers } = await createHandler(engine)(
      gateway.eventOf({ method, path: `${BASE}/${path}` }),
    )
    const isInstalled = (await engine.tasks.findByName(NAME, '1.0.0')) !== undefined
    return { statusCode, headers, isInstalled }
  }

  it.each(VARIABLES)('matches only whole names in %s %s', async (method, path, name) => {
    for (const addition of ADDITIONS) {
      for (const written of [`${name}${addition}`, `${addition}${name}`]) {
        const { statusCode, isInstalled } = await ask(method, path.replace('@', written))
        expect(statusCode, written).toBe(404)
        expect(isInstalled, written).toBe(true)
      }
    }
  })

  it('decodes a name once', async () => {
    expect(await ask('DELETE', `tasks/${NAME}/%2531.0.0`)).toMatchObject({
      statusCode: 404,
      isInstalled: true,
    })
    expect(await ask('DELETE', `tasks/${NAME}/%31.0.0`)).toMatchObject({
      statusCode: 200,
      isInstalled: false,
    })
  })

  it.each([
    `tasks/${NAME}/1.0.0/x/..`,
    `tasks/${NAME}/x/../1.0.0`,
    `tasks/${NAME}/%2e/1.0.0`,
    `stores/%2e%2e/tasks/${NAME}/1.0.0`,
    `tasks\\${NAME}\\1.0.0`,
  ])('does not resolve the detour in %s', async (path) => {
    expect(await ask('DELETE', path)).toMatchObject({ statusCode: 404, isInstalled: true })
  })

  it.each(['TRACE', 'TRACK', 'CONNECT', 'PATCH', 'OPTIONS', 'PROPFIND', 'trace'])(
    'answers %s with 405 and the allowed methods, or with 404',
    async (method) => {
      for (const [path, allow] of [
        ['tasks', 'POST, GET, HEAD'],
        [`tasks/${NAME}/1.0.0`, 'GET, DELETE, HEAD'],
        [`task-runs/${RUN_ID}/state-actions`, 'POST'],
        ['stores/default', 'GET, HEAD'],
        ['ping', 'GET, HEAD'],
      ]) {
        const { statusCode, headers } = await ask(method, path ?? '')
        expect([statusCode, headers?.allow], path).toEqual([405, allow])
      }
      expect((await ask(method, 'nothing')).statusCode).toBe(404)
    },
  )

  it('answers every path without a server error', async () => {
    const paths = fc.oneof(
      fc.string({ unit: 'grapheme' }).map(encodeURIComponent),
      fc.stringMatching(/^(?:%[0-9A-F]{2}|[a-z0-9./;=@:%&+]){0,30}$/u),
    )
    await fc.assert(
      fc.asyncProperty(paths, async (path) => {
        expect((await ask('GET', path)).statusCode).toBeLessThan(500)
      }),
    )
  })
})
