import { describe, expect, it } from 'vitest'
import { STAGER_VARIABLES } from '../../../src/contract/staging.ts'
import { lineOf } from '../../../stager/log.ts'

const NOW = new Date('2026-01-02T03:04:05Z')
const RUN_ID = '0f1e2d3c-4b5a-4697-8877-665544332211'

describe('a line of the stager’s log', () => {
  it('is JSON with run and job, and without the secret', () => {
    const environment = {
      [STAGER_VARIABLES.runId]: RUN_ID,
      [STAGER_VARIABLES.runSecret]: 'of the run',
      AWS_BATCH_JOB_ID: 'job-1',
    }

    const line = lineOf({ level: 'INFO', message: 'inputs in place', files: 2 }, environment, NOW)

    expect(JSON.parse(line)).toEqual({
      level: 'INFO',
      message: 'inputs in place',
      timestamp: '2026-01-02T03:04:05.000Z',
      service: 'stager',
      runId: RUN_ID,
      jobId: 'job-1',
      files: 2,
    })
  })

  it('stays one line when its message has several', () => {
    const line = lineOf({ level: 'ERROR', message: 'one\ntwo' }, {}, NOW)

    expect(line).not.toContain('\n')
    expect(JSON.parse(line)).toEqual({
      level: 'ERROR',
      message: 'one\ntwo',
      timestamp: '2026-01-02T03:04:05.000Z',
      service: 'stager',
    })
  })
})
