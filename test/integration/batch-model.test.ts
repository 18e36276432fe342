import { describe, expect, it } from 'vitest'
import { batchModelProblems } from '../fixtures/batch-model.ts'

const JOB = { jobName: 'run-1', jobQueue: 'q', jobDefinition: 'd' }
const ACCEPTED = { status: 200, answer: { jobName: 'run-1', jobId: '1' } }

describe("AWS's model of Batch", () => {
  it('accepts a valid request and response of SubmitJob', async () => {
    expect(await batchModelProblems([{ path: '/v1/submitjob', request: JOB, ...ACCEPTED }])).toEqual([])
  })

  it.each([
    [
      'an unknown member of the request',
      { path: '/v1/submitjob', request: { ...JOB, ghost: 1 }, ...ACCEPTED },
      /^request of SubmitJob: Unknown parameter in input: "ghost"/u,
    ],
    [
      'a missing member of the request',
      { path: '/v1/submitjob', request: { jobName: 'a', jobQueue: 'q' }, ...ACCEPTED },
      /^request of SubmitJob: Missing required parameter in input: "jobDefinition"/u,
    ],
    [
      'an unknown member of the response',
      { path: '/v1/submitjob', request: JOB, status: 200, answer: { jobName: 'a', jobId: '1', ghost: 1 } },
      /^answer of SubmitJob: Unknown parameter in input: "ghost"/u,
    ],
    [
      'an unknown state',
      {
        path: '/v1/describejobs',
        request: { jobs: ['1'] },
        status: 200,
        answer: { jobs: [{ ...JOB, jobId: '1', status: 'DONE' }] },
      },
      /^answer of DescribeJobs\.jobs\[0\]\.status is 'DONE', not one of SUBMITTED,/u,
    ],
    [
      'an unknown error of the operation',
      { path: '/v1/submitjob', request: JOB, status: 400, errorType: 'OopsException', answer: {} },
      /^error of SubmitJob is OopsException, not one of ClientException, ServerException$/u,
    ],
    [
      'an unknown operation',
      { path: '/v1/deletejob', request: {}, status: 200, answer: {} },
      /^no operation has the path \/v1\/deletejob$/u,
    ],
  ])('reports %s', async (_, exchange, expected) => {
    expect(await batchModelProblems([exchange])).toEqual([expect.stringMatching(expected)])
  })
})
