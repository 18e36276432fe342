import type { TaskResources } from '../task/task.ts'

interface ContainerShare {
  readonly vcpu: number
  readonly memoryMib: number
}

/** Machine that one job asks for. */
export interface JobSize {
  readonly task: ContainerShare
  /** Each of the two stager containers. */
  readonly stager: ContainerShare
  readonly diskGib: number
}

/**
 * Sizes that Fargate sells: vCPU with smallest, largest and step of memory in GiB.
 * Source: the ResourceRequirement documentation of Batch; 0.25 vCPU also has 0.5 GiB, which the stager would not fit in.
 */
const FARGATE: readonly (readonly [vcpu: number, minGib: number, maxGib: number, stepGib: number])[] = [
  [0.25, 1, 2, 1],
  [0.5, 1, 4, 1],
  [1, 2, 8, 1],
  [2, 4, 16, 1],
  [4, 8, 30, 1],
  [8, 16, 60, 4],
  [16, 32, 120, 8],
]

/** Moving files needs little: 0.25 vCPU and 512 MiB are the smallest shares. */
const STAGER: ContainerShare = { vcpu: 0.25, memoryMib: 512 }
const MIB = 1024n * 1024n
const GIB_IN_MIB = 1024

/** Fargate's limits for task storage. */
const DISK = { minGib: 21, maxGib: 200 } as const

/**
 * The smallest Fargate size that holds the task and its two stager containers; what is left over goes to the task.
 * @returns words for the task's author when no machine of the stage can hold the request.
 */
export function sizeJob(
  resources: TaskResources,
  imageBytes: number,
): JobSize | { readonly unschedulable: string } {
  if (resources.gpus > 0) {
    return {
      unschedulable: `the task asks for ${resources.gpus} GPU(s), and this installation has no GPU queue`,
    }
  }
  if (resources.internet) {
    return {
      unschedulable:
        'the task asks for internet access, and this installation has no queue with a way out; remove "internet: true" if the task can do without',
    }
  }
  const ramMib = Number((BigInt(resources.ramBytes) + MIB - 1n) / MIB)
  const vcpu = resources.cpus + 2 * STAGER.vcpu
  const memoryMib = ramMib + 2 * STAGER.memoryMib
  for (const [sizeVcpu, minGib, maxGib, stepGib] of FARGATE) {
    if (sizeVcpu < vcpu || maxGib * GIB_IN_MIB < memoryMib) continue
    const steps = Math.max(0, Math.ceil((memoryMib / GIB_IN_MIB - minGib) / stepGib))
    const sizeMib = (minGib + steps * stepGib) * GIB_IN_MIB
    return {
      stager: STAGER,
      task: { vcpu: sizeVcpu - 2 * STAGER.vcpu, memoryMib: sizeMib - 2 * STAGER.memoryMib },
      diskGib: Math.min(DISK.maxGib, Math.max(DISK.minGib, Math.ceil((3 * imageBytes) / 1024 ** 3))),
    }
  }
  return {
    unschedulable: `the task asks for ${resources.cpus} CPU(s) and ${ramMib} MiB of memory; the largest machine of this installation offers 15.5 CPUs and ${119 * GIB_IN_MIB} MiB`,
  }
}
