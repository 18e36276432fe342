import * as z from 'zod'
import type { Placement as ApiPlacement } from '../../lambdas/api/openapi/placement-schema.ts'
import { memoryMibOf } from '../../src/run/job/job-size.ts'
import type { FieldsOf } from '../service/schemas.ts'
import type { Service } from '../service/service.ts'
import { type Finding, RESOURCES_CURE, warning } from './finding.ts'
import type { Validation } from './validate-task.ts'

const placementSchema = z.discriminatedUnion('placeable', [
  z.looseObject({
    placeable: z.literal(true),
    queue: z.string(),
    vcpus: z.number(),
    memoryMiB: z.number(),
    gpus: z.number(),
    pricePerHour: z.number(),
    currency: z.string(),
  } satisfies FieldsOf<Extract<ApiPlacement, { readonly placeable: true }>>),
  z.looseObject({
    placeable: z.literal(false),
    reasons: z.array(z.string()),
  } satisfies FieldsOf<Extract<ApiPlacement, { readonly placeable: false }>>),
])
/** Placement of a task's runs, as the service returns it. */
export type Placement = z.infer<typeof placementSchema>

/** Asks the service for the placement of the task's runs if it were uploaded now. Without an image, a size of 0 is assumed. */
export async function askPlacement(
  service: Service,
  { descriptor, image }: Validation,
): Promise<Placement | undefined> {
  if (descriptor === undefined) return undefined
  const { cpus, gpus, internet } = descriptor.resources
  const query = new URLSearchParams({
    cpus: String(cpus),
    memoryMiB: String(memoryMibOf(descriptor.resources)),
    gpus: String(gpus),
    internet: String(internet),
    ...(image?.size !== undefined && {
      imageBytes: String(image.size.packedBytes),
      unpackedImageBytes: String(image.size.unpackedBytes),
    }),
  })
  return service.json(`placement?${query}`, placementSchema)
}

/** Warns when no queue of the service can run the task. */
export function findingsOf(placement: Placement | undefined): readonly Finding[] {
  if (placement === undefined || placement.placeable) return []
  const reasons = placement.reasons.join('; ')
  return [
    warning(
      'resources',
      `no queue of the service can run the task, so its runs would fail: ${reasons}; ${RESOURCES_CURE}`,
    ),
  ]
}

const GIB_IN_MIB = 1024

/** @example placedWords(placement) // the queue fargate, 2 vCPU, 4 GiB, about 0.10 USD an hour */
export function placedWords(placement: Extract<Placement, { readonly placeable: true }>): string {
  const { queue, vcpus, memoryMiB, gpus, pricePerHour, currency } = placement
  const machine = [
    `${vcpus} vCPU`,
    `${Number((memoryMiB / GIB_IN_MIB).toFixed(1))} GiB`,
    ...(gpus > 0 ? [`${gpus} GPU`] : []),
  ]
  return `the queue ${queue}, ${machine.join(', ')}, about ${pricePerHour.toFixed(2)} ${currency} an hour`
}
