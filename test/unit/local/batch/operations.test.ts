import { describe, expect, it, vi } from 'vitest'
import { ClientException } from '../../../../local/batch/client-exception.ts'
import type { Job } from '../../../../local/batch/job.ts'
import { createOperations } from '../../../../local/batch/operations.ts'
import { aDefinition, aJob, createMemoryStore } from './builders.ts'

function aService(jobs: readonly Job[] = []) {
  const store = createMemoryStore(jobs)
  const runner = { accept: vi.fn(store.putJob), end: vi.fn(), resume: vi.fn(), stop: vi.fn() }
  const operations = createOperations({
    store,
    runner,
    origin: { account: '000000000000', region: 'us-east-1' },
    now: () => 1000,
    uuid: () => 'job-1',
  })
  const call = (name: string, body: object): unknown => operations.get(`/v1/${name}`)?.(body)
  return { call, runner }
}

const ARN = 'arn:aws:batch:us-east-1:000000000000:job-definition/app-engine-task-1'
const submission = { jobName: 'run-1', jobQueue: 'q', jobDefinition: 'app-engine-task-1' }

describe('the local Batch API', () => {
  it('numbers the revisions of a definition', () => {
    const { call } = aService()
    call('registerjobdefinition', aDefinition())

    const answer = call('registerjobdefinition', aDefinition())

    expect(answer).toEqual({
      jobDefinitionName: 'app-engine-task-1',
      jobDefinitionArn: `${ARN}:2`,
      revision: 2,
    })
  })

  it('returns definitions as they were registered', () => {
    const { call } = aService()
    call('registerjobdefinition', aDefinition())

    const answer = call('describejobdefinitions', { jobDefinitions: [`${ARN}:1`] })

    expect(answer).toMatchObject({ jobDefinitions: [{ ...aDefinition(), status: 'ACTIVE', revision: 1 }] })
  })

  it.each(['app-engine-task-1', 'app-engine-task-1:1', `${ARN}:1`])(
    'submits a job for %s',
    (jobDefinition) => {
      const { call, runner } = aService()
      call('registerjobdefinition', aDefinition())

      const answer = call('submitjob', { ...submission, jobDefinition })

      expect(answer).toMatchObject({ jobId: 'job-1', jobName: 'run-1' })
      expect(runner.accept).toHaveBeenCalledWith(
        expect.objectContaining({ status: 'SUBMITTED', timeout: { attemptDurationSeconds: 60 } }),
      )
    },
  )

  it('applies variables to the container that an override names', () => {
    const { call, runner } = aService()
    call('registerjobdefinition', aDefinition())
    const environment = [{ name: 'SECRET', value: 'x' }]
    const containers = [{ name: 'stage-in', environment }]

    call('submitjob', { ...submission, ecsPropertiesOverride: { taskProperties: [{ containers }] } })

    const job = runner.accept.mock.calls[0]?.[0]
    expect(job?.containers.map((container) => container.environment)).toEqual([environment, [], []])
  })

  it('refuses a submission for a deregistered or unknown definition', () => {
    const { call } = aService()
    call('registerjobdefinition', aDefinition())

    call('deregisterjobdefinition', { jobDefinition: `${ARN}:1` })

    expect(() => call('submitjob', submission)).toThrow('is not ACTIVE')
    expect(() => call('submitjob', { ...submission, jobDefinition: 'ghost' })).toThrow('is not found')
  })

  it('explains an invalid body', () => {
    const { call } = aService()

    const refused = () => call('submitjob', { jobName: 'a b' })

    expect(refused).toThrow(ClientException)
    expect(refused).toThrow(/jobName.*jobQueue.*jobDefinition/u)
  })

  it('returns the jobs that exist', () => {
    const { call } = aService([aJob()])

    const answer = call('describejobs', { jobs: ['job-1', 'ghost'] })

    expect(answer).toMatchObject({ jobs: [{ jobId: 'job-1', status: 'SUBMITTED' }] })
    expect(answer).not.toHaveProperty('jobs.0.outbox')
  })

  it('lists jobs by state, or by name in all states, page by page', () => {
    const jobs = ['a-1', 'a-2', 'b-1'].map((jobName) => aJob({ jobId: jobName, jobName, status: 'RUNNING' }))
    const { call } = aService(jobs)

    const first = call('listjobs', { jobQueue: 'q', maxResults: 2 })
    const second = call('listjobs', { jobQueue: 'q', maxResults: 2, nextToken: '2' })
    const named = call('listjobs', { jobQueue: 'q', filters: [{ name: 'JOB_NAME', values: ['a*'] }] })
    const failed = call('listjobs', { jobQueue: 'q', jobStatus: 'FAILED' })

    expect(first).toMatchObject({ jobSummaryList: [{ jobId: 'a-1' }, { jobId: 'a-2' }], nextToken: '2' })
    expect(second).toMatchObject({ jobSummaryList: [{ jobId: 'b-1' }] })
    expect(named).toMatchObject({ jobSummaryList: [{ jobId: 'a-1' }, { jobId: 'a-2' }] })
    expect(failed).toEqual({ jobSummaryList: [] })
  })

  it('cancels a waiting job, terminates a job in any state, and accepts unknown ids', () => {
    const job = aJob()
    const { call, runner } = aService([job])

    call('canceljob', { jobId: 'job-1', reason: 'a' })
    call('terminatejob', { jobId: 'job-1', reason: 'b' })
    const answer = call('terminatejob', { jobId: 'ghost', reason: 'c' })

    expect(answer).toEqual({})
    expect(runner.end.mock.calls).toEqual([
      [job, 'a', true],
      [job, 'b', false],
    ])
  })
})
