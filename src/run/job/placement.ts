import type { JobQueues, QueueKind } from '../../contract/job-queues.ts'
import type { ImageSize, Task, TaskResources } from '../../task/task.ts'
import { type Machine, PRICES, priceOf } from './cost.ts'
import { explainTooLargeImage, type JobSize, placeJob, sizeOn } from './job-size.ts'

/** Queue and machine of a task's runs. */
interface Placed {
  readonly queue: QueueKind
  /** Resources that are paid for: the task and both stager containers. */
  readonly machine: Machine
  /** Estimate in US dollars, by {@link PRICES}. */
  readonly pricePerHour: number
}

/** Sentences for the task's author. */
interface NotPlaced {
  readonly reasons: readonly string[]
}

const HOUR_SECONDS = 3600
const GIB_IN_MIB = 1024

/**
 * Queue and machine of a task's runs, as chosen at its import, and whether the installation still has that queue. A task imported
 * before image sizes were recorded counts as one with an empty image, which affects only the disk size.
 */
export function placementOf(task: Task, queues: JobQueues): Placed | NotPlaced {
  const { queue } = task
  if (queue === null) return { reasons: [task.unschedulableReason ?? 'no queue can run the task'] }
  if (queues[queue] === undefined) return { reasons: [queueGone(queue)] }
  const image = task.imageSize ?? { unpackedBytes: 0, packedBytes: 0 }
  const size = sizeOn(queue, { resources: task.resources, image }, queues)
  if (size === undefined) {
    return {
      reasons: [
        `the ${queue} queue no longer has a machine as large as the task requests: import the task again under another version`,
      ],
    }
  }
  return placedOn(size)
}

/** Queue and machine that a task's runs would have if it were imported now. */
export function placementFor(
  resources: TaskResources,
  image: ImageSize,
  queues: JobQueues,
): Placed | NotPlaced {
  const tooLarge = explainTooLargeImage(image, queues)
  if (tooLarge !== undefined) return { reasons: [tooLarge] }
  const size = placeJob(resources, image, queues)
  return 'unschedulable' in size ? { reasons: [size.unschedulable] } : placedOn(size)
}

function placedOn(size: JobSize): Placed {
  const machine = machineOf(size)
  return { queue: size.queue, machine, pricePerHour: Number(priceOf(machine, HOUR_SECONDS).toFixed(6)) }
}

/** Reason for a task whose queue was removed from the stage's settings after its import. */
export function queueGone(queue: QueueKind | null): string {
  return `this installation no longer has the queue ${queue}, for which the task was imported: import the task again under another version`
}

function machineOf({ task, stager, diskGib, gpus }: JobSize): Machine {
  return {
    vcpus: task.vcpu + 2 * stager.vcpu,
    memoryGib: (task.memoryMib + 2 * stager.memoryMib) / GIB_IN_MIB,
    diskGib,
    gpus,
  }
}
