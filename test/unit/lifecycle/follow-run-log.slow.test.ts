import { describe, expect, it } from 'vitest'
import { followRunLog, type LogPart } from '../../../src/lifecycle/follow-run-log.ts'
import { jobNameOf } from '../../../src/run/job/job-definition.ts'
import type { Run } from '../../../src/run/run.ts'
import { RUN_ID } from '../../fixtures/builders.ts'
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
  it('has parts that fit into a response of the API for any output', async () => {
    const { logs, follow } = await aRunningTask()
    const line = `${'\u001b'.repeat(1000)}\n`
    logs.put(STREAM, line.repeat(5000))

    const { text } = await follow()

    expect(Buffer.byteLength(JSON.stringify(JSON.stringify(text)))).toBeLessThan(6_000_000)
    expect(text.endsWith(line)).toBe(true)
  })
})
