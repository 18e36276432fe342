import * as z from 'zod'

const arn = z.string().min(1)
const amount = z.int().min(1)

/** Largest job of a queue: the largest machine without the share of its system. */
const machine = {
  vcpus: amount,
  memoryMib: amount,
  /** Size of the volume, which holds images and files of all jobs on the machine. */
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

/** ARNs of all queues. */
export function queueArnsOf(queues: JobQueues): string[] {
  return Object.values(queues).map((queue) => queue.arn)
}
