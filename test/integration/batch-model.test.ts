import { describe, expect, it } from 'vitest'
import { batchModelProblems } from '../fixtures/batch-model.ts'

const JOB = { jobName: 'run-1', jobQueue: 'q', jobDefinition: 'd' }
const ACCEPTED = { status: 200, answer: { jobName: 'run-1', jobId: '1' } }

describe("AWS's model of Batch", () => {
  it('finds nothing wrong with a submission and its answer', async () => {
    expect(await batchModelProblems([{ path: '/v1/submitjob', request: JOB, ...ACCEPTED }])).toEqual([])
  })

  it.each([
    [
      'a member that the request has not',
      { path: '/v1/submitjob', request: { ...JOB, ghost: 1 }, ...ACCEPTED },
      /^request of SubmitJob: Unknown parameter in input: "ghost"/u,
    ],
    [
      'a member that the request needs',
      { path: '/v1/submitjob', request: { jobName: 'a', jobQueue: 'q' }, ...ACCEPTED },
      /^request of SubmitJob: Missing required parameter in input: "jobDefinition"/u,
    ],
    [
      'a member that the answer has not',
      { path: '/v1/submitjob', request: JOB, status: 200, answer: { jobName: 'a', jobId: '1', ghost: 1 } },
      /^answer of SubmitJob: Unknown parameter in input: "ghost"/u,
    ],
    [
      'a state that Batch does not know',
      {
        path: '/v1/describejobs',
        request: { jobs: ['1'] },
        status: 200,
        answer: { jobs: [{ ...JOB, jobId: '1', status: 'DONE' }] },
      },
      /^answer of DescribeJobs\.jobs\[0\]\.status is 'DONE', not one of SUBMITTED,/u,
    ],
    [
      'an error that the operation has not',
      { path: '/v1/submitjob', request: JOB, status: 400, errorType: 'OopsException', answer: {} },
      /^error of SubmitJob is OopsException, not one of ClientException, ServerException$/u,
    ],
    [
      'an operation that there is not',
      { path: '/v1/deletejob', request: {}, status: 200, answer: {} },
      /^no operation has the path \/v1\/deletejob$/u,
    ],
  ])('tells %s', async (_, exchange, expected) => {
    expect(await batchModelProblems([exchange])).toEqual([expect.stringMatching(expected)])
  })
})
