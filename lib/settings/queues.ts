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
  maxVcpus: atLeastOne.describe('Most vCPUs at a time; at least `largest.vcpus`.'),
  diskGib: z
    .int()
    .min(60)
    .max(16_384)
    .describe(
      'Volume of each instance, for images and files of all jobs on it; one job can use 20 GiB less.',
    ),
}
const largest = {
  vcpus: z.int().min(3).describe('vCPUs of the largest instance type; two are for moving files.'),
  memoryGib: atLeastOne.describe('Memory of the largest instance type.'),
}
/** Queues of the jobs. */
export const queues = z.strictObject({
  fargate: z
    .strictObject({
      maxVcpus: atLeastOne.default(256).describe('Most vCPUs at a time: the upper limit of the bill.'),
      capacity: z
        .enum(['on-demand', 'spot', 'spot-first'])
        .default('on-demand')
        .describe(
          'Spot costs about a third and may be taken away; such a job is retried twice. `spot-first` may run `maxVcpus` on spot and as many again on demand: the upper limit of the bill doubles.',
        ),
    })
    .prefault({}),
  internet: z
    .strictObject({ maxVcpus: atLeastOne.describe('Most vCPUs at a time.') })
    .describe(
      'Queue with a route out, for tasks that ask for the internet; they can then send their inputs anywhere. Absent: such tasks cannot run.',
    )
    .exactOptional(),
  ec2: z
    .strictObject({ ...machines, largest: z.strictObject(largest) })
    .describe(
      'Queue on EC2 for tasks too large for Fargate, see [Machines](#machines). Absent: such tasks cannot run.',
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
    .describe('Queue on EC2 for tasks that ask for GPUs. Absent: such tasks cannot run.')
    .exactOptional(),
  longestUnplaceableMinutes: z
    .int()
    .min(10)
    .max(1440)
    // Batch's minimum of 10 is too short: its reasons may appear while it is still scaling up.
    .default(30)
    .describe('A job that no machine can hold is cancelled after this time.'),
})
