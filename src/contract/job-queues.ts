import * as z from 'zod'

const arn = z.string().min(1)
const amount = z.int().min(1)

/** Largest job of a queue: the resources of its largest machine without those that the system needs. */
const machine = {
  vcpus: amount,
  memoryMib: amount,
  /** Size of the volume, which contains images and files of all jobs on the machine. */
  diskGib: amount,
}

/**
 * Job queues of an installation. `fargate` runs all tasks that fit there. The others are optional: `internet` for tasks with internet access,
 * `ec2` for machines larger than Fargate's, `gpu` for machines with GPUs.
 */
export const jobQueuesSchema = z.strictObject({
  fargate: z.strictObject({ arn }),
  internet: z.strictObject({ arn }).exactOptional(),
  ec2: z.strictObject({ arn, ...machine }).exactOptional(),
  gpu: z.strictObject({ arn, ...machine, gpus: amount }).exactOptional(),
})
export type JobQueues = z.infer<typeof jobQueuesSchema>
export type QueueKind = keyof JobQueues

export const QUEUE_KINDS = Object.keys(jobQueuesSchema.shape) as readonly QueueKind[]

export function queueArnsOf(queues: JobQueues): string[] {
  return Object.values(queues).map((queue) => queue.arn)
}
