import type { JobQueues, QueueKind } from '../../contract/job-queues.ts'
import type { TaskResources } from '../../task/task.ts'

interface ContainerShare {
  readonly vcpu: number
  readonly memoryMib: number
}

/** Machine that one job asks for, and the queue that has it. */
export interface JobSize {
  readonly queue: QueueKind
  readonly task: ContainerShare
  /** Each of the two stager containers. */
  readonly stager: ContainerShare
  /** Of Fargate; on EC2 the disk is the machine's. */
  readonly diskGib: number
  readonly gpus: number
}

/** Words for the task's author. */
interface Unschedulable {
  readonly unschedulable: string
}

/** What a task's image takes on a disk: engines keep its layers as they were pulled, beside what they unpack to. */
export interface ImageSize {
  readonly unpackedBytes: number
  readonly packedBytes: number
}

interface Needs {
  readonly cpus: number
  readonly memoryMib: number
  readonly gpus: number
  readonly diskGib: number
  /** Without room for inputs and outputs. */
  readonly imageGib: number
}

/**
 * Sizes that Fargate sells: vCPU with what may go with it of memory, in GiB.
 * Source: the ResourceRequirement documentation of Batch; 0.25 vCPU also has 0.5 GiB, which the stager would not fit in.
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

/** Moving files needs little: 0.25 vCPU and 512 MiB are the smallest shares of Fargate, 1 vCPU of EC2. */
const STAGER = {
  fargate: { vcpu: 0.25, memoryMib: 512 },
  ec2: { vcpu: 1, memoryMib: 512 },
} as const
const MIB = 1024n * 1024n
const GIB_IN_MIB = 1024

/** Fargate's limits for task storage. */
const DISK = { minGib: 21, maxGib: 200 } as const
/** Of the image's layers, unpacked: they lie there packed as well, and inputs and outputs beside them. */
const DISK_FACTOR = 3
const GIB = 1024 ** 3

const gibOf = ({ unpackedBytes, packedBytes }: ImageSize): number =>
  Math.ceil((unpackedBytes + packedBytes) / GIB)

/** The largest disk that a job gets on any queue of the stage, in GiB. */
export function largestDiskGib({ ec2, gpu }: JobQueues): number {
  return Math.max(DISK.maxGib, ec2?.diskGib ?? 0, gpu?.diskGib ?? 0)
}

/** Why no machine of the stage holds the image; undefined when one does. */
export function explainTooLargeImage(image: ImageSize, queues: JobQueues): string | undefined {
  const mostGib = largestDiskGib(queues)
  const imageGib = gibOf(image)
  if (imageGib <= mostGib) return undefined
  return `the image takes ${imageGib} GiB, unpacked and as it is pulled; the largest disk of a job in this installation has ${mostGib} GiB: make the image smaller`
}

/**
 * The queue for a task and the smallest machine there that holds it and its two stager containers; what is left over goes
 * to the task. GPUs and a way out are only where a queue of that kind is; everything else goes to Fargate, unless it is too
 * large for it.
 * @returns words for the task's author when no machine of the stage can hold the request.
 */
export function placeJob(
  resources: TaskResources,
  image: ImageSize,
  queues: JobQueues,
): JobSize | Unschedulable {
  const needs: Needs = {
    cpus: resources.cpus,
    memoryMib: Number((BigInt(resources.ramBytes) + MIB - 1n) / MIB),
    gpus: resources.gpus,
    diskGib: Math.max(DISK.minGib, Math.ceil((DISK_FACTOR * image.unpackedBytes) / GIB)),
    imageGib: gibOf(image),
  }
  if (resources.internet) return placeWithInternet(needs, queues)
  if (needs.gpus > 0) return placeWithGpus(needs, queues)
  return onFargate('fargate', needs) ?? onMachine('ec2', needs, queues) ?? tooLarge(needs, queues)
}

function placeWithInternet(needs: Needs, queues: JobQueues): JobSize | Unschedulable {
  const asked = 'the task asks for internet access'
  if (needs.gpus > 0) return { unschedulable: `${asked} and for GPUs, which no queue offers together` }
  if (queues.internet === undefined) {
    return {
      unschedulable: `${asked}, and this installation has no queue with a way out; remove "internet: true" if the task can do without`,
    }
  }
  return onFargate('internet', needs) ?? tooLarge(needs, { fargate: queues.fargate })
}

function placeWithGpus(needs: Needs, queues: JobQueues): JobSize | Unschedulable {
  const asked = `the task asks for ${needs.gpus} GPU(s)`
  const { gpu } = queues
  if (gpu === undefined) return { unschedulable: `${asked}, and this installation has no GPU queue` }
  return (
    onMachine('gpu', needs, queues) ?? {
      unschedulable: `${asked}, ${sizeInWords(needs)}; the largest machine with GPUs of this installation offers ${gpu.gpus}, ${sizeInWords(mostOf(gpu))}`,
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
 * EC2 takes whole vCPUs, and just as much memory as was asked for. GPUs are taken all: containers of all jobs on a machine share its
 * network, and with its GPUs gone no second job is placed there.
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

/** What a machine has beside the stager. */
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
    unschedulable: `the task asks for ${sizeInWords(needs)}; the largest machine of this installation offers ${sizeInWords(most)}`,
  }
}

function sizeInWords({ cpus, memoryMib, diskGib }: Pick<Needs, 'cpus' | 'memoryMib' | 'diskGib'>): string {
  return `${cpus} CPU(s), ${memoryMib} MiB of memory and ${diskGib} GiB of disk`
}

function steps(first: number, last: number, step: number): readonly number[] {
  return Array.from({ length: (last - first) / step + 1 }, (_, index) => first + index * step)
}
