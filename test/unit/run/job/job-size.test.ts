import { describe, expect, it } from 'vitest'
import type { JobQueues } from '../../../../src/contract/job-queues.ts'
import {
  explainTooLargeImage,
  type JobSize,
  largestDiskGib,
  placeJob,
} from '../../../../src/run/job/job-size.ts'
import type { TaskResources } from '../../../../src/task/task.ts'

const GIB = 1024 ** 3
const needs = (changes: Partial<TaskResources> = {}): TaskResources => ({
  ramBytes: String(4 * GIB),
  cpus: 1,
  gpus: 0,
  internet: false,
  ...changes,
})
const ONLY_FARGATE: JobQueues = { fargate: { arn: 'fargate' } }
const MACHINE = { vcpus: 64, memoryMib: 480 * 1024, diskGib: 500 }
const ALL_QUEUES: JobQueues = {
  ...ONLY_FARGATE,
  internet: { arn: 'internet' },
  ec2: { arn: 'ec2', ...MACHINE },
  gpu: { arn: 'gpu', ...MACHINE, gpus: 4 },
}
const anImage = (unpackedBytes: number, packedBytes = 0) => ({ unpackedBytes, packedBytes })
const sized = (resources: TaskResources, unpackedBytes = 0, queues = ONLY_FARGATE): JobSize => {
  const size = placeJob(resources, anImage(unpackedBytes), queues)
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
    [15, 120, [32, 244]],
    [16, 4, [32, 60]],
    [31, 243, [32, 244]],
  ])('of %d CPU and %d GiB is the smallest Fargate size that is large enough', (cpus, gib, pair) => {
    const size = sized(needs({ cpus, ramBytes: String(gib * GIB) }))

    expect(total(size)).toEqual(pair)
    expect(size.task.vcpu).toBeGreaterThanOrEqual(cpus)
    expect(size.task.memoryMib).toBeGreaterThanOrEqual(gib * 1024)
  })

  it('rounds memory up to a whole MiB', () => {
    expect(sized(needs({ ramBytes: String(4 * GIB + 1) })).task.memoryMib).toBeGreaterThan(4096)
  })

  it('includes a disk of three times the image, within Fargate’s limits', () => {
    expect(sized(needs(), GIB).diskGib).toBe(21)
    expect(sized(needs(), 20 * GIB).diskGib).toBe(60)
    expect(sized(needs(), 150 * GIB).diskGib).toBe(200)
  })

  it('is undefined when the disk is too small for the image, packed and unpacked', () => {
    const image = anImage(150 * GIB, 51 * GIB)

    expect(placeJob(needs(), anImage(150 * GIB, 50 * GIB), ONLY_FARGATE)).toHaveProperty('queue', 'fargate')
    expect(placeJob(needs(), image, ONLY_FARGATE)).toEqual({
      unschedulable: expect.stringMatching(/and 450 GiB of disk; .* and 200 GiB of disk$/u),
    })
    expect(placeJob(needs(), image, ALL_QUEUES)).toHaveProperty('queue', 'ec2')
  })

  it('is undefined with the reason when no disk of the stage is large enough', () => {
    expect(explainTooLargeImage(anImage(150 * GIB, 50 * GIB), ONLY_FARGATE)).toBeUndefined()
    expect(explainTooLargeImage(anImage(150 * GIB, 51 * GIB), ONLY_FARGATE)).toMatch(
      /takes 201 GiB, .* has 200 GiB: make the image smaller/u,
    )
    expect(explainTooLargeImage(anImage(400 * GIB, 51 * GIB), ALL_QUEUES)).toBeUndefined()
    expect(largestDiskGib(ALL_QUEUES)).toBe(500)
  })

  it.each([
    ['more memory than any machine has', needs({ ramBytes: '500000000000000000' })],
    ['more CPUs than any machine has', needs({ cpus: 64 })],
    ['a GPU', needs({ gpus: 1 })],
    ['the internet', needs({ internet: true })],
  ])('is undefined with an explanation for %s', (_, resources) => {
    expect(placeJob(resources, anImage(0), ONLY_FARGATE)).toEqual({
      unschedulable: expect.stringMatching(/^the task requests /u),
    })
  })
})

/** All Fargate sizes that are larger than the stager's share. */
const GRID: readonly (readonly [vcpu: number, gib: number])[] = [
  ...range(2, 4, 1).map((gib) => [1, gib] as const),
  ...range(5, 8, 1).map((gib) => [1, gib] as const),
  ...range(4, 16, 1).map((gib) => [2, gib] as const),
  ...range(8, 30, 1).map((gib) => [4, gib] as const),
  ...range(16, 60, 4).map((gib) => [8, gib] as const),
  ...range(32, 120, 8).map((gib) => [16, gib] as const),
  ...[60, 120, 244].map((gib) => [32, gib] as const),
]

function range(first: number, last: number, step: number): readonly number[] {
  return Array.from({ length: (last - first) / step + 1 }, (_, index) => first + index * step)
}

describe('the Fargate sizes', () => {
  it.each(GRID)('can all be used: %d vCPU with %d GiB', (vcpu, gib) => {
    const asked = needs({ cpus: vcpu - 0.5, ramBytes: String((gib - 1) * GIB) })

    expect(total(sized(asked))).toEqual([vcpu, gib])
  })
})

describe('the queue of a job', () => {
  it.each([
    ['what fits on Fargate', needs(), 'fargate'],
    ['the internet', needs({ internet: true }), 'internet'],
    ['more memory than Fargate has', needs({ ramBytes: String(400 * GIB) }), 'ec2'],
    ['more CPUs than Fargate has', needs({ cpus: 48 }), 'ec2'],
    ['GPUs', needs({ gpus: 2 }), 'gpu'],
  ])('is one that has it for %s', (_, resources, queue) => {
    expect(sized(resources, 0, ALL_QUEUES).queue).toBe(queue)
  })

  it('with GPUs runs one job on each machine, with all GPUs of the machine', () => {
    expect(sized(needs({ gpus: 1 }), 0, ALL_QUEUES).gpus).toBe(4)
    expect(sized(needs({ cpus: 48 }), 0, ALL_QUEUES).gpus).toBe(0)
  })

  it('on EC2 gets whole CPUs and the requested memory', () => {
    const { task } = sized(needs({ cpus: 33.5, ramBytes: String(300 * GIB) }), 0, ALL_QUEUES)

    expect(task).toEqual({ vcpu: 34, memoryMib: 300 * 1024 })
  })

  it.each([
    ['more than any machine has', needs({ ramBytes: String(480 * GIB) }), 'has 62 CPU'],
    ['more GPUs than a machine has', needs({ gpus: 8 }), 'has 4 GPU(s), 62 CPU'],
    ['GPUs and the internet', needs({ gpus: 1, internet: true }), 'no queue has both'],
    ['the internet and much memory', needs({ internet: true, ramBytes: String(300 * GIB) }), 'has 31.5 CPU'],
  ])('is undefined for %s', (_, resources, words) => {
    expect(placeJob(resources, anImage(0), ALL_QUEUES)).toEqual({
      unschedulable: expect.stringContaining(words),
    })
  })

  it('is undefined when the machines with GPUs have too small a disk for the image', () => {
    expect(placeJob(needs({ gpus: 1 }), anImage(200 * GIB), ALL_QUEUES)).toHaveProperty('unschedulable')
  })
})
