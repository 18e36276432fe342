import * as z from 'zod'
import type { Immutable } from '../../../src/contract/immutable.ts'
import { QUEUE_KINDS } from '../../../src/contract/job-queues.ts'
import { component } from './components.ts'

/** Resources that a descriptor requests. */
export const resources = component(
  'Resources',
  z.strictObject({
    cpus: z.number(),
    memoryMiB: z.number().describe('Memory in MiB, rounded up.'),
    gpus: z.number(),
    internet: z.boolean(),
  }),
)

const asked = {
  asked: resources.describe("Resources that the task's descriptor requests."),
  imageSizeBytes: z.int().exactOptional().describe('Size of the pulled layers, if known.'),
  currency: z.literal('USD'),
  pricesOf: z.iso.date().describe('Date of the prices.'),
}

/** Two forms, distinguished by a boolean key, which OpenAPI's discriminator does not support. */
export const placement = component(
  'Placement',
  z.union([
    component(
      'Placed',
      z.strictObject({
        placeable: z.literal(true),
        queue: z.enum(QUEUE_KINDS),
        platform: z.enum(['FARGATE', 'EC2']),
        vcpus: z
          .number()
          .describe('vCPUs of the job, those of the stager included, as in `memoryMiB`: what is billed.'),
        memoryMiB: z.number(),
        gpus: z.int(),
        diskGiB: z.int(),
        ...asked,
        pricePerHour: z.number(),
      }),
    ),
    component(
      'NotPlaced',
      z.strictObject({
        placeable: z.literal(false),
        queue: z.null(),
        platform: z.null(),
        vcpus: z.null(),
        memoryMiB: z.null(),
        gpus: z.null(),
        ...asked,
        reasons: z.array(z.string()).min(1),
      }),
    ),
  ]),
)
export type Placement = Immutable<z.output<typeof placement>>
