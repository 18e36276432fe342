import type { JobQueues, QueueKind } from '../../contract/job-queues.ts'
import type { ImageSize, TaskResources } from '../../task/task.ts'

interface ContainerShare {
  readonly vcpu: number
  readonly memoryMib: number
}

/** Resources of one job, and its queue. */
export interface JobSize {
  readonly queue: QueueKind
  readonly task: ContainerShare
  /** Share of each of the two stager containers. */
  readonly stager: ContainerShare
  /** Ephemeral storage on Fargate; EC2 jobs share the machine's disk. */
  readonly diskGib: number
  readonly gpus: number
}

/** Why no queue can run the task, as a sentence for its author. */
interface Unschedulable {
  readonly unschedulable: string
}

export type { ImageSize } from '../../task/task.ts'

interface Needs {
  readonly cpus: number
  readonly memoryMib: number
  readonly gpus: number
  readonly diskGib: number
  /** Size of the image alone, without inputs and outputs. */
  readonly imageGib: number
}

/**
 * Fargate's combinations of vCPU and memory: https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html. Omits
 * 0.5 GiB at 0.25 vCPU, which is less than the stager needs.
 */
const FARGATE: readonly (readonly [vcpu: number, memoryGib: readonly number[]])[] = [
  [0.25, [1, 2]],
  [0.5, steps(1, 4, 1)],
  [1, steps(2, 8, 1)],
  [2, steps(4, 16, 1)],
  [4, steps(8, 30, 1)],
  [8, steps(16, 60, 4)],
  [16, steps(32, 120, 8)],
  [32, [60, 120, 244]],
]

/** The smallest shares suffice to transfer files: 0.25 vCPU and 512 MiB on Fargate, 1 vCPU on EC2. */
const STAGER = {
  fargate: { vcpu: 0.25, memoryMib: 512 },
  ec2: { vcpu: 1, memoryMib: 512 },
} as const
const MIB = 1024n * 1024n
const GIB_IN_MIB = 1024

/** Fargate's limits for ephemeral storage. */
const DISK = { minGib: 21, maxGib: 200 } as const
/** Disk size as a multiple of the unpacked image: includes the packed layers, inputs and outputs. */
const DISK_FACTOR = 3
const GIB = 1024 ** 3

const gibOf = ({ unpackedBytes, packedBytes }: ImageSize): number =>
  Math.ceil((unpackedBytes + packedBytes) / GIB)

/** Largest disk of a job on any queue, in GiB. */
export function largestDiskGib({ ec2, gpu }: JobQueues): number {
  return Math.max(DISK.maxGib, ec2?.diskGib ?? 0, gpu?.diskGib ?? 0)
}

/** Explains why the image fits on no machine of the installation; undefined when it fits. */
export function explainTooLargeImage(image: ImageSize, queues: JobQueues): string | undefined {
  const mostGib = largestDiskGib(queues)
  const imageGib = gibOf(image)
  if (imageGib <= mostGib) return undefined
  return `the image takes ${imageGib} GiB, packed and unpacked together; the largest disk of a job in this installation has ${mostGib} GiB: make the image smaller`
}

/** Memory that a task requests, in MiB, rounded up. */
export function memoryMibOf({ ramBytes }: Pick<TaskResources, 'ramBytes'>): number {
  return Number((BigInt(ramBytes) + MIB - 1n) / MIB)
}

/**
 * Chooses the queue of a task, and the smallest machine for the task and the two stager containers. The task gets what the stager does not
 * use. Tasks with GPUs or internet access need such a queue. All others run on Fargate, or on EC2 when they are too large for Fargate.
 */
export function placeJob(
  resources: TaskResources,
  image: ImageSize,
  queues: JobQueues,
): JobSize | Unschedulable {
  const needs = needsOf(resources, image)
  if (resources.internet) return placeWithInternet(needs, queues)
  if (needs.gpus > 0) return placeWithGpus(needs, queues)
  return onFargate('fargate', needs) ?? onMachine('ec2', needs, queues) ?? tooLarge(needs, queues)
}

/** Size of a task's job on one queue; undefined when the queue has no such machine. */
export function sizeOn(
  queue: QueueKind,
  { resources, image }: { readonly resources: TaskResources; readonly image: ImageSize },
  queues: JobQueues,
): JobSize | undefined {
  const needs = needsOf(resources, image)
  return queue === 'ec2' || queue === 'gpu' ? onMachine(queue, needs, queues) : onFargate(queue, needs)
}

function needsOf(resources: TaskResources, image: ImageSize): Needs {
  return {
    cpus: resources.cpus,
    memoryMib: memoryMibOf(resources),
    gpus: resources.gpus,
    diskGib: Math.max(DISK.minGib, Math.ceil((DISK_FACTOR * image.unpackedBytes) / GIB)),
    imageGib: gibOf(image),
  }
}

function placeWithInternet(needs: Needs, queues: JobQueues): JobSize | Unschedulable {
  const asked = 'the task requests internet access'
  if (needs.gpus > 0) return { unschedulable: `${asked} and GPUs, but no queue has both` }
  if (queues.internet === undefined) {
    return {
      unschedulable: `${asked}, and this installation has no queue with internet access; remove "internet: true" if the task does not need it`,
    }
  }
  return onFargate('internet', needs) ?? tooLarge(needs, { fargate: queues.fargate })
}

function placeWithGpus(needs: Needs, queues: JobQueues): JobSize | Unschedulable {
  const asked = `the task requests ${needs.gpus} GPU(s)`
  const { gpu } = queues
  if (gpu === undefined) return { unschedulable: `${asked}, and this installation has no GPU queue` }
  return (
    onMachine('gpu', needs, queues) ?? {
      unschedulable: `${asked}, ${sizeInWords(needs)}; the largest GPU machine of this installation has ${gpu.gpus} GPU(s), ${sizeInWords(mostOf(gpu))}`,
    }
  )
}

function onFargate(queue: 'fargate' | 'internet', needs: Needs): JobSize | undefined {
  if (needs.imageGib > DISK.maxGib) return undefined
  const stager = STAGER.fargate
  const vcpu = needs.cpus + 2 * stager.vcpu
  const memoryMib = needs.memoryMib + 2 * stager.memoryMib
  for (const [sizeVcpu, memoriesGib] of FARGATE) {
    const memoryGib = memoriesGib.find((gib) => gib * GIB_IN_MIB >= memoryMib)
    if (sizeVcpu < vcpu || memoryGib === undefined) continue
    return {
      queue,
      stager,
      task: {
        vcpu: sizeVcpu - 2 * stager.vcpu,
        memoryMib: memoryGib * GIB_IN_MIB - 2 * stager.memoryMib,
      },
      diskGib: Math.min(DISK.maxGib, needs.diskGib),
      gpus: 0,
    }
  }
  return undefined
}

/**
 * Sizes a job on EC2, which requires whole vCPUs and allows any amount of memory. A job takes all GPUs of a machine, so that no second job
 * shares the machine's network.
 */
function onMachine(kind: 'ec2' | 'gpu', needs: Needs, queues: JobQueues): JobSize | undefined {
  const machine = queues[kind]
  if (machine === undefined) return undefined
  const most = mostOf(machine)
  const task = { vcpu: Math.ceil(needs.cpus), memoryMib: needs.memoryMib }
  const gpus = 'gpus' in machine ? machine.gpus : 0
  if (task.vcpu > most.cpus || task.memoryMib > most.memoryMib || needs.gpus > gpus) return undefined
  if (Math.max(needs.imageGib, needs.diskGib) > machine.diskGib) return undefined
  return { queue: kind, stager: STAGER.ec2, task, diskGib: needs.diskGib, gpus }
}

/** Resources of a machine without the stager's shares. */
function mostOf(machine: { readonly vcpus: number; readonly memoryMib: number; readonly diskGib: number }) {
  return {
    diskGib: machine.diskGib,
    cpus: machine.vcpus - 2 * STAGER.ec2.vcpu,
    memoryMib: machine.memoryMib - 2 * STAGER.ec2.memoryMib,
  }
}

function tooLarge(needs: Needs, { ec2 }: JobQueues): Unschedulable {
  const fargate = {
    diskGib: DISK.maxGib,
    cpus: 32 - 2 * STAGER.fargate.vcpu,
    memoryMib: 244 * GIB_IN_MIB - 2 * STAGER.fargate.memoryMib,
  }
  const most = ec2 === undefined ? fargate : mostOf(ec2)
  return {
    unschedulable: `the task requests ${sizeInWords(needs)}; the largest machine of this installation has ${sizeInWords(most)}`,
  }
}

function sizeInWords({ cpus, memoryMib, diskGib }: Pick<Needs, 'cpus' | 'memoryMib' | 'diskGib'>): string {
  return `${cpus} CPU(s), ${memoryMib} MiB of memory and ${diskGib} GiB of disk`
}

function steps(first: number, last: number, step: number): readonly number[] {
  return Array.from({ length: (last - first) / step + 1 }, (_, index) => first + index * step)
}
