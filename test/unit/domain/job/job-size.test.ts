import { describe, expect, it } from 'vitest'
import { type JobSize, sizeJob } from '../../../../src/domain/job/job-size.ts'
import type { TaskResources } from '../../../../src/domain/task/task.ts'

const GIB = 1024 ** 3
const needs = (changes: Partial<TaskResources> = {}): TaskResources => ({
  ramBytes: String(4 * GIB),
  cpus: 1,
  gpus: 0,
  internet: false,
  ...changes,
})
const sized = (resources: TaskResources, imageBytes = 0): JobSize => {
  const size = sizeJob(resources, imageBytes)
  if ('unschedulable' in size) throw new Error(size.unschedulable)
  return size
}
const total = (size: JobSize): [number, number] => [
  size.task.vcpu + 2 * size.stager.vcpu,
  (size.task.memoryMib + 2 * size.stager.memoryMib) / 1024,
]

describe('the size of a job', () => {
  it.each([
    [1, 4, [2, 5]],
    [1, 0.5, [2, 4]],
    [2, 15, [4, 16]],
    [4, 29, [8, 32]],
    [8, 59, [16, 64]],
    [15, 119, [16, 120]],
  ])('of %d CPU and %d GiB is the smallest pair that Fargate sells and that holds it', (cpus, gib, pair) => {
    const size = sized(needs({ cpus, ramBytes: String(gib * GIB) }))

    expect(total(size)).toEqual(pair)
    expect(size.task.vcpu).toBeGreaterThanOrEqual(cpus)
    expect(size.task.memoryMib).toBeGreaterThanOrEqual(gib * 1024)
  })

  it('rounds memory up to a whole MiB', () => {
    expect(sized(needs({ ramBytes: String(4 * GIB + 1) })).task.memoryMib).toBeGreaterThan(4096)
  })

  it('has three times the image as disk, within what Fargate offers', () => {
    expect(sized(needs(), GIB).diskGib).toBe(21)
    expect(sized(needs(), 20 * GIB).diskGib).toBe(60)
    expect(sized(needs(), 500 * GIB).diskGib).toBe(200)
  })

  it.each([
    ['memory beyond any machine', needs({ ramBytes: '500000000000000000' })],
    ['more CPUs than any machine has', needs({ cpus: 64 })],
    ['a GPU', needs({ gpus: 1 })],
    ['the internet', needs({ internet: true })],
  ])('is refused in words for %s', (_, resources) => {
    expect(sizeJob(resources, 0)).toEqual({ unschedulable: expect.stringMatching(/^the task asks for /u) })
  })
})
