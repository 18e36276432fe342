import * as z from 'zod'

const arn = z.string().min(1)
const amount = z.int().min(1)

/** The most that one job can get on a queue's machines: a whole one of the largest, less what its system needs. */
const machine = {
  vcpus: amount,
  memoryMib: amount,
  /** Of its volume, which holds images and files of all jobs on it. */
  diskGib: amount,
}

/**
 * Where an installation runs jobs. `fargate` is for all that fits there; the others are for what needs more and are there if the
 * stage has them: `internet` a way out, `ec2` machines that are larger than Fargate's, `gpu` machines with GPUs.
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
