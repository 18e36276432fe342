import * as z from 'zod'
import { atLeastOne } from './values.ts'

const machines = {
  instanceTypes: z
    .array(
      z
        .string()
        .regex(/^[a-z0-9-]+\.[a-z0-9-]+$/u, 'must look like r7i.8xlarge')
        // Instance types with ARM processors have a g after the generation: c7g, m8gd, g5g.
        .regex(
          /^(?!a1\.|[a-z]+\d+\w*g\w*\.)/u,
          'must not be of an ARM family: images of tasks are for linux/amd64',
        )
        .meta({ examples: ['r7i.8xlarge'] }),
    )
    .min(1)
    .describe('EC2 instance types, of x86.'),
  maxVcpus: atLeastOne.describe('Maximum number of concurrent vCPUs; at least `largest.vcpus`.'),
  diskGib: z
    .int()
    .min(60)
    .max(16_384)
    .describe(
      'Volume of each instance, for images and files of all jobs on it; one job can use 20 GiB less.',
    ),
}
const largest = {
  vcpus: z.int().min(3).describe('vCPUs of the largest instance type; two are reserved for file transfers.'),
  memoryGib: atLeastOne.describe('Memory of the largest instance type.'),
}
/** Queues of the jobs. */
export const queues = z.strictObject({
  fargate: z
    .strictObject({
      maxVcpus: atLeastOne.default(256).describe('Maximum number of concurrent vCPUs; limits the cost.'),
      capacity: z
        .enum(['on-demand', 'spot', 'spot-first'])
        .default('on-demand')
        .describe(
          'Spot costs about a third, and AWS can reclaim it; an interrupted job is retried twice. `spot-first` allows `maxVcpus` on spot plus the same number on demand, which doubles the maximum cost.',
        ),
    })
    .prefault({}),
  internet: z
    .strictObject({ maxVcpus: atLeastOne.describe('Maximum number of concurrent vCPUs.') })
    .describe(
      'Queue with internet access, for tasks that request it; such tasks can send their inputs anywhere. If unset, they cannot run.',
    )
    .exactOptional(),
  ec2: z
    .strictObject({ ...machines, largest: z.strictObject(largest) })
    .describe(
      'EC2 queue for tasks too large for Fargate, see [Machines](#machines). If unset, such tasks cannot run.',
    )
    .exactOptional(),
  gpu: z
    .strictObject({
      ...machines,
      largest: z.strictObject({
        ...largest,
        gpus: atLeastOne.describe('GPUs of the largest instance type; a job takes all of them.'),
      }),
    })
    .describe('EC2 queue for tasks that request GPUs. If unset, such tasks cannot run.')
    .exactOptional(),
  longestUnplaceableMinutes: z
    .int()
    .min(10)
    .max(1440)
    // Batch's minimum of 10 is too short: its reasons may appear while it is still scaling up.
    .default(30)
    .describe('A job that fits on no machine is cancelled after this time.'),
})
