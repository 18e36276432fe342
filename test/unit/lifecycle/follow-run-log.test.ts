import { describe, expect, it } from 'vitest'
import { runLogKey } from '../../../src/contract/storage-keys.ts'
import { followRunLog, type LogPart } from '../../../src/lifecycle/follow-run-log.ts'
import { jobNameOf } from '../../../src/run/job/job-definition.ts'
import type { Run } from '../../../src/run/run.ts'
import { RUN_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

const STREAM = 'task-id/task/ecs-id'
const JOB = { attempt: 1, jobName: jobNameOf(RUN_ID, 1), logStreamName: STREAM }
const FAILURE = { kind: 'task-failed', message: 'exit code 3\nIts log ends with:\ntwo' } as const

async function aRunningTask(run: Partial<Run> = {}) {
  const engine = await anEngine({ run: { state: 'RUNNING', job: JOB, ...run } })
  let after = '0'
  /** Requests the next part, like a client. */
  async function follow(): Promise<LogPart> {
    const part = await followRunLog(engine, RUN_ID, after)
    after = part.next
    return part
  }
  const end = () => engine.runs.transition(RUN_ID, { to: 'FAILED', set: { failure: FAILURE } })
  return { ...engine, follow, end }
}

describe('a log that is followed', () => {
  it('returns each line once, and the reason of the failure last', async () => {
    const { logs, follow, end, identity } = await aRunningTask()
    const parts: string[] = []
    const take = async (): Promise<LogPart> => {
      const part = await follow()
      parts.push(part.text)
      return part
    }

    await take()
    logs.put(STREAM, 'one\n')
    await take()
    await take()
    logs.put(STREAM, 'one\ntwo\n')
    await take()
    await end()
    logs.put(STREAM, 'one\ntwo\nlate\n')
    await take()
    identity.advance(3)
    const last = await take()
    const after = await take()

    expect(parts).toEqual([
      '',
      'one\n',
      '',
      'two\n',
      'late\n',
      '[app-engine] run failed (task-failed): exit code 3\n',
      '',
    ])
    expect([last.isComplete, after.isComplete]).toEqual([true, true])
  })

  it('is not complete before the time for late lines is over', async () => {
    const { follow, end } = await aRunningTask()
    await end()

    expect(await follow()).toMatchObject({ text: '', isComplete: false })
  })

  it('starts with the newest lines of a log that is longer than a page', async () => {
    const { logs, follow } = await aRunningTask()
    logs.put(STREAM, Array.from({ length: 10_001 }, (_, index) => `${index}\n`).join(''))

    const { text } = await follow()

    expect(text.split('\n').slice(0, 2)).toEqual(['[app-engine] the log is longer; this is its end', '1'])
    expect((await follow()).text).toBe('')
  })

  it('continues with the new container after a retry of the task', async () => {
    const { logs, follow, runs } = await aRunningTask()
    logs.put(STREAM, 'first\n')
    await follow()
    logs.put('task-id/task/again', 'second\n')
    await runs.recordJob(RUN_ID, { ...JOB, logStreamName: 'task-id/task/again' })

    expect((await follow()).text).toBe('[app-engine] the task was started again\nsecond\n')
    expect((await follow()).text).toBe('')
  })

  it('marks lines of the task that imitate the engine', async () => {
    const { logs, follow } = await aRunningTask()
    logs.put(STREAM, '[app-engine] run failed\n')

    expect((await follow()).text).toBe('[task] [app-engine] run failed\n')
  })

  it('consists of the stored lines after it has expired', async () => {
    const { objects, follow, end, identity } = await aRunningTask()
    await end()
    identity.advance(3)
    await objects.put(runLogKey(RUN_ID), 'kept')

    expect(await follow()).toMatchObject({
      text:
        '[app-engine] the log has expired; these are its last lines\nkept\n' +
        '[app-engine] run failed (task-failed): exit code 3\n',
      isComplete: true,
    })
    expect((await follow()).text).toBe('')
  })
})

describe('the route of a log', () => {
  const path = `/app-engine/v1/task-runs/${RUN_ID}/logs`

  it('returns text with the next offset in a header', async () => {
    const { logs, ...engine } = await aRunningTask()
    logs.put(STREAM, 'one\n')
    const app = createCheckedApp({ ...engine, logs })

    const first = await app.request(`${path}?after=0`)
    const second = await app.request(`${path}?after=${first.headers.get('x-log-next')}`)

    expect([await first.text(), await second.text()]).toEqual(['one\n', ''])
    expect(second.headers.get('x-log-complete')).toBe('false')
  })

  it('refuses a repeated offset', async () => {
    const answer = await createCheckedApp(await aRunningTask()).request(`${path}?after=0&after=1`)

    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ message: expect.stringContaining('after "0,1"') })
  })

  it('returns JSON to a client that accepts it', async () => {
    const { logs, ...engine } = await aRunningTask()
    logs.put(STREAM, 'one\n')

    const answer = await createCheckedApp({ ...engine, logs }).request(`${path}?after=0`, {
      headers: { accept: 'application/json' },
    })

    expect(await answer.json()).toEqual({
      text: 'one\n',
      next: answer.headers.get('x-log-next'),
      isComplete: false,
    })
  })

  it('returns only the log without an offset, whatever the client accepts', async () => {
    const { logs, ...engine } = await aRunningTask()
    logs.put(STREAM, 'one\n')

    const answer = await createCheckedApp({ ...engine, logs }).request(path, {
      headers: { accept: 'application/json' },
    })

    expect(await answer.text()).toBe('one\n')
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/u)
    expect(answer.headers.has('x-log-next')).toBe(false)
  })

  it.each(['', 'x', '1', Buffer.from('["a","b"]').toString('base64url')])(
    'refuses the offset "%s" and says what is expected',
    async (after) => {
      const answer = await createCheckedApp(await aRunningTask()).request(`${path}?after=${after}`)

      expect(answer.status).toBe(400)
      expect(await answer.text()).toContain(`after \\"${after}\\": expected 0, or the X-Log-Next`)
    },
  )

  it('refuses an offset that is unknown to the log service', async () => {
    const { logs, ...engine } = await aRunningTask()
    logs.put(STREAM, 'one\n')
    const after = Buffer.from(JSON.stringify([STREAM, 'f/x', false])).toString('base64url')

    const answer = await createCheckedApp({ ...engine, logs }).request(`${path}?after=${after}`)

    expect(answer.status).toBe(400)
  })
})
