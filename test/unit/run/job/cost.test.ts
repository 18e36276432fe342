import { describe, expect, it } from 'vitest'
import { PRICES, usageOf } from '../../../../src/run/job/cost.ts'
import { type JobDetail, jobDetailSchema } from '../../../../src/run/job/job-outcome.ts'

const AT = Date.UTC(2026, 0, 1)
const MINUTE = 60_000

const requirements = (vcpu: string, memoryMib: string, gpu?: string) => [
  { type: 'VCPU', value: vcpu },
  { type: 'MEMORY', value: memoryMib },
  ...(gpu === undefined ? [] : [{ type: 'GPU', value: gpu }]),
]

/** A job of 4 vCPUs and 16 GiB that waited two minutes and ran for ten minutes. */
function aJob(changes: object = {}): JobDetail {
  return jobDetailSchema.parse({
    jobName: 'run',
    jobId: 'job',
    status: 'SUCCEEDED',
    createdAt: AT,
    attempts: [{ startedAt: AT + 2 * MINUTE, stoppedAt: AT + 12 * MINUTE }],
    ecsProperties: {
      taskProperties: [
        {
          ephemeralStorage: { sizeInGiB: 30 },
          containers: [
            { resourceRequirements: requirements('0.25', '512') },
            { resourceRequirements: requirements('3.5', '15360') },
            { resourceRequirements: requirements('0.25', '512') },
          ],
        },
      ],
    },
    ...changes,
  })
}

describe('the cost of a run', () => {
  it('is that of the whole machine for the time of the job', () => {
    const usage = usageOf(aJob())

    expect(usage).toEqual({
      queueSeconds: 120,
      jobSeconds: 600,
      vcpuSeconds: 2400,
      memoryGibSeconds: 9600,
      diskGibSeconds: 6000,
      gpuSeconds: 0,
      // An hour costs 4 × 0.04048 + 16 × 0.004445 + 10 × 0.000111; this is for ten minutes.
      usd: 0.039025,
      pricesOf: PRICES.date,
    })
  })

  it('includes at least one minute for each attempt', () => {
    const attempt = { startedAt: AT, stoppedAt: AT + 1000 }

    const usage = usageOf(aJob({ attempts: [attempt, attempt] }))

    expect(usage).toMatchObject({ jobSeconds: 2, vcpuSeconds: 480 })
  })

  it('is the price of the machine when it has a GPU', () => {
    const containers = [{ resourceRequirements: requirements('4', '16384', '1') }]

    const usage = usageOf(
      aJob({
        attempts: [{ startedAt: AT, stoppedAt: AT + 60 * MINUTE }],
        ecsProperties: { taskProperties: [{ containers }] },
      }),
    )

    expect(usage?.gpuSeconds).toBe(3600)
    expect(usage?.usd).toBeCloseTo(0.526, 2)
  })

  it.each([
    ['there was no attempt', []],
    ['no container was started', [{ stoppedAt: AT + MINUTE }]],
  ])('is unknown when %s', (_, attempts) => {
    expect(usageOf(aJob({ status: 'FAILED', attempts }))).toBeUndefined()
  })

  it('is never negative for any timestamps', () => {
    const usage = usageOf(aJob({ attempts: [{ startedAt: AT - MINUTE, stoppedAt: AT - 2 * MINUTE }] }))

    expect(usage).toMatchObject({ queueSeconds: 0, jobSeconds: 0 })
    expect(usage?.usd).toBeGreaterThan(0)
  })
})
