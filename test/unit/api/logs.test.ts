import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApp } from '../../../lambdas/api/app.ts'
import { beginLog, logAbout, logger } from '../../../src/aws/observability.ts'
import { RUN_SECRET_HEADER } from '../../../src/contract/staging.ts'
import { withObserver } from '../../../src/run/observed-runs.ts'
import { RunStateConflictError } from '../../../src/run/run-repository.ts'
import { aRun, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

type Engine = Awaited<ReturnType<typeof anEngine>>

const BASE = '/app-engine/v1'
const SECRET = 'secret-of-the-run'
const INPUT = 'value-of-an-input'

/** Log entries that `work` writes. */
async function logged(work: () => unknown): Promise<Record<string, unknown>[]> {
  const lines: string[] = []
  const take = (text: string | Uint8Array): boolean => {
    lines.push(String(text))
    return true
  }
  vi.spyOn(process.stdout, 'write').mockImplementation(take)
  vi.spyOn(process.stderr, 'write').mockImplementation(take)
  await work()
  vi.restoreAllMocks()
  return lines
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
}

/** An API whose runs cannot be read. */
async function aBrokenApi() {
  const engine = await anEngine({ run: { state: 'RUNNING' } })
  const find = () => Promise.reject(new Error('the table is unavailable'))
  return createApp({ ...engine, runs: { ...engine.runs, find } })
}

beforeEach(() => logger.setLogLevel('INFO'))
afterEach(() => {
  vi.restoreAllMocks()
  logger.setLogLevel('SILENT')
})

describe('the log line of a request', () => {
  const requestLines = async (method: string, path: string, engine: Engine) => {
    const app = createApp(engine)
    const env = { requestContext: { requestId: 'request-1' } }
    const entries = await logged(() => app.request(path, { method }, env))
    return entries.filter(({ message }) => message === 'request')
  }

  it.each([
    ['GET', `${BASE}/task-runs/${RUN_ID}`, 200, 'GET /task-runs/:id'],
    ['GET', `${BASE}/tasks`, 200, 'GET /tasks'],
    ['GET', `${BASE}/tasks/com.example/9.9.9`, 404, 'GET /tasks/:namespace/:version'],
    ['DELETE', `${BASE}/tasks`, 405, 'DELETE /tasks'],
    ['GET', '/ping', 200, 'GET /ping'],
    ['POST', '/ping', 405, 'POST /ping'],
    ['GET', `${BASE}/nothing/${SECRET}`, 404, 'GET none'],
    ['GET', `/${SECRET}`, 404, 'GET none'],
  ])('is written once for %s %s', async (method, path, status, route) => {
    const lines = await requestLines(method, path, await anEngine({ run: { state: 'RUNNING' } }))

    expect(lines).toMatchObject([{ level: 'INFO', method, status, route, requestId: 'request-1' }])
    expect(lines[0]?.milliseconds).toEqual(expect.any(Number))
    expect(JSON.stringify(lines)).not.toContain(SECRET)
  })

  it('names the run and its task', async () => {
    const engine = await anEngine({ run: { state: 'RUNNING' } })
    const runs = withObserver(engine.runs, ({ id, taskId }) => logAbout({ runId: id, taskId }))

    const [line] = await requestLines('GET', `${BASE}/task-runs/${RUN_ID}`, { ...engine, runs })

    expect(line).toMatchObject({ runId: RUN_ID, taskId: engine.task.id })
  })

  it('has no ids from the previous request', async () => {
    const engine = await anEngine({ run: { state: 'RUNNING' } })
    await requestLines('GET', `${BASE}/task-runs/${RUN_ID}`, engine)

    const [line] = await requestLines('GET', `${BASE}/tasks`, engine)

    expect(line).not.toHaveProperty('runId')
  })

  it('is written when a thrown value is not an Error', async () => {
    const engine = await anEngine()
    const list = () => Promise.reject('thrown')

    const entries = await logged(async () => {
      const app = createApp({ ...engine, tasks: { ...engine.tasks, list } })
      await Promise.resolve(app.request(`${BASE}/tasks`)).catch(() => undefined)
    })

    expect(entries).toMatchObject([{ message: 'request', status: 500, route: 'GET /tasks' }])
  })
})

describe('the API’s log of a failure', () => {
  it.each([
    [
      'outputs that are posted with the secret in the path',
      'POST',
      `/task-runs/${RUN_ID}/${SECRET}/outputs.zip`,
    ],
    ['a call of the stager', 'GET', `/task-runs/${RUN_ID}/staging/inputs`],
    ['an input', 'PUT', `/task-runs/${RUN_ID}/input-provisions/a?note=${INPUT}`],
  ])('names run, request and route, and nothing else, for %s', async (_, method, path) => {
    const app = await aBrokenApi()
    const body = method === 'GET' ? {} : { body: JSON.stringify({ param_name: 'a', value: INPUT }) }

    const entries = await logged(() =>
      app.request(
        `${BASE}${path}`,
        { method, headers: { [RUN_SECRET_HEADER]: SECRET, 'content-type': 'application/json' }, ...body },
        { requestContext: { requestId: 'request-1' } },
      ),
    )

    const about = {
      requestId: 'request-1',
      runId: RUN_ID,
      route: expect.stringMatching(/^[A-Z]+ \/task-runs\/:id/u),
    }
    expect(entries).toEqual([
      expect.objectContaining({ level: 'ERROR', message: 'request failed', ...about }),
      expect.objectContaining({ level: 'INFO', message: 'request', status: 500, ...about }),
    ])
    expect(JSON.stringify(entries)).not.toContain(SECRET)
    expect(JSON.stringify(entries)).not.toContain(INPUT)
  })
})

describe('an error in the log', () => {
  it('shows the errors of an AggregateError, and the causes', async () => {
    const away = new Error('the registry is unavailable', { cause: new Error('ECONNRESET') })
    const errors = [away, new Error('the bucket is unavailable')]

    const [entry] = await logged(() =>
      logger.error('x', new AggregateError(errors, 'the deletion is unfinished')),
    )

    expect(entry?.error).toMatchObject({
      message: 'the deletion is unfinished',
      errorCount: 2,
      errors: [
        { message: 'the registry is unavailable', cause: { message: 'ECONNRESET' } },
        { message: 'the bucket is unavailable', stack: expect.stringContaining('logs.test.ts') },
      ],
    })
  })

  it('is bounded for any number and depth of errors', async () => {
    const many = new AggregateError(Array.from({ length: 1000 }, () => new Error('one of many')))
    const loop = new Error('loop')
    loop.cause = new AggregateError([loop, many])

    const [entry] = await logged(() => logger.error('x', loop))

    expect(JSON.stringify(entry).length).toBeLessThan(100_000)
    expect(JSON.stringify(entry)).toContain('"errorCount":1000')
  })

  it('shows the message of an AWS service, but not the run of a state conflict', async () => {
    const run = aRun({ secret: SECRET })
    const refused = Object.assign(new Error('slow down'), {
      $fault: 'client',
      $metadata: { httpStatusCode: 429, requestId: 'r' },
    })

    const entries = await logged(() => {
      logger.warn('x', { error: new RunStateConflictError(run) })
      logger.warn('y', { error: refused })
    })

    expect(entries).toMatchObject([
      { error: { name: 'RunStateConflictError', message: 'the run is CREATED' } },
      { error: { $fault: 'client', $metadata: { httpStatusCode: 429, requestId: 'r' } } },
    ])
    expect(JSON.stringify(entries)).not.toContain(SECRET)
  })

  it('of an unfinished deletion names every part that failed', async () => {
    const engine = await anEngine({ run: {} })
    const away = (what: string) => () => Promise.reject(new Error(`${what} is unavailable`))
    const app = createApp({
      ...engine,
      registry: { ...engine.registry, removeImage: away('the registry') },
      objects: { ...engine.objects, removeAll: away('the bucket') },
    })

    const entries = await logged(async () => {
      const { namespace, version } = engine.task
      const answer = await app.request(`${BASE}/tasks/${namespace}/${version}`, { method: 'DELETE' })
      expect(answer.status).toBe(500)
    })

    const [failed] = entries.filter(({ message }) => message === 'request failed')
    expect(JSON.stringify(failed)).toContain('the registry is unavailable')
    expect(JSON.stringify(failed)).toContain('the bucket is unavailable')
  })
})

describe('log entries of a function', () => {
  it('have the ids of an event until the next event begins', async () => {
    const entries = await logged(() => {
      beginLog({ requestId: 'one', runId: 'r' })
      logAbout({ taskId: 't' })
      logger.info('first')
      beginLog({ requestId: 'two' })
      logger.info('second')
    })

    expect(entries).toMatchObject([
      { message: 'first', requestId: 'one', runId: 'r', taskId: 't' },
      { message: 'second', requestId: 'two' },
    ])
    expect(entries[1]).not.toHaveProperty('runId')
    expect(entries[1]).not.toHaveProperty('taskId')
  })
})
