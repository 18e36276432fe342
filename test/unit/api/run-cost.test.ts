import { describe, expect, it } from 'vitest'
import { RUN_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

const JOB = { attempt: 1, jobName: 'run-1' }
const COST = {
  vcpuSeconds: 2400,
  memoryGibSeconds: 9600,
  diskGibSeconds: 6000,
  gpuSeconds: 0,
  usd: 0.039025,
  pricesOf: '2026-06-17',
}

describe('the description of a run', () => {
  it('shows the estimated cost once the job has ended', async () => {
    const usage = { ...COST, queueSeconds: 120, jobSeconds: 600 }
    const engine = await anEngine({ run: { state: 'RUNNING', job: { ...JOB, usage } } })

    const response = await createCheckedApp(engine).request(`/app-engine/v1/task-runs/${RUN_ID}`)

    expect(await response.json()).toMatchObject({ state: 'RUNNING', cost: COST })
  })

  it('shows no cost before the job has ended', async () => {
    const engine = await anEngine({ run: { state: 'RUNNING', job: JOB } })

    const response = await createCheckedApp(engine).request(`/app-engine/v1/task-runs/${RUN_ID}`)

    expect(await response.json()).not.toHaveProperty('cost')
  })
})
