import * as z from 'zod'
import type { Immutable } from '../contract/immutable.ts'
import { QUEUE_KINDS } from '../contract/job-queues.ts'
import type { JsonValue } from '../contract/json.ts'

export const taskNameSchema = z.object({ namespace: z.string(), version: z.string() })
/** Identifies a task for people. */
export type TaskName = Immutable<z.infer<typeof taskNameSchema>>

const bound = z.number().exactOptional()
/** All bounds that are set apply (descriptor contract, 7 no. 16). */
const boundsSchema = z.object({ gt: bound, geq: bound, lt: bound, leq: bound })
/** Bounds of integer and number. */
export type Bounds = Immutable<z.infer<typeof boundsSchema>>

const fileLimits = {
  /** Any format when absent. */
  formats: z.array(z.string()).exactOptional(),
  maxFileSizeBytes: bound,
}

export const parameterTypeSchema = z.discriminatedUnion('id', [
  z.object({ id: z.literal('boolean') }),
  z.object({ id: z.literal('integer'), ...boundsSchema.shape }),
  z.object({
    id: z.literal('number'),
    infinityAllowed: z.boolean(),
    nanAllowed: z.boolean(),
    ...boundsSchema.shape,
  }),
  /** Lengths in UTF-16 units, as Java counts. */
  z.object({ id: z.literal('string'), minLength: z.number(), maxLength: bound }),
  z.object({ id: z.literal('enumeration'), values: z.array(z.string()) }),
  /** Bounds as ISO-8601 instants, both inclusive. */
  z.object({
    id: z.literal('datetime'),
    before: z.string().exactOptional(),
    after: z.string().exactOptional(),
  }),
  z.object({ id: z.literal('geometry') }),
  /** Maximum width and height in pixels. */
  z.object({ id: z.literal('image'), ...fileLimits, maxWidth: bound, maxHeight: bound }),
  z.object({ id: z.literal('file'), ...fileLimits }),
  z.object({
    id: z.literal('array'),
    minSize: bound,
    maxSize: bound,
    allowMissing: z.boolean(),
    get subType() {
      return parameterTypeSchema
    },
  }),
])
/** A parameter's type with its constraints, defaults filled in. */
export type ParameterType = Immutable<z.infer<typeof parameterTypeSchema>>
/** Id of a type; in upper case, the `type` of run values. */
export type ParameterTypeId = ParameterType['id']

/** Type of an array's innermost items; any other type itself. */
export function leafOf(type: ParameterType): ParameterType {
  return type.id === 'array' ? leafOf(type.subType) : type
}

/** Whether values of a type are files that the service stores as they are. */
export function isFileType({ id }: { readonly id: string }): boolean {
  return id === 'image' || id === 'file'
}

const parameterShape = {
  /** UUID, assigned at the import. */
  id: z.string(),
  /** File name in the container. */
  name: z.string(),
  displayName: z.string(),
  description: z.string(),
  optional: z.boolean(),
  type: parameterTypeSchema,
}

const json: z.ZodType<JsonValue> = z.json()

const taskInputSchema = z.object({ ...parameterShape, default: json.exactOptional() })
export type TaskInput = Immutable<z.infer<typeof taskInputSchema>>

const taskOutputSchema = z.object({
  ...parameterShape,
  /** Name of the input that this output is derived from. */
  derivedFrom: z.string().nullable(),
})
export type TaskOutput = Immutable<z.infer<typeof taskOutputSchema>>

const authorSchema = z.object({
  firstName: z.string(),
  lastName: z.string(),
  organization: z.string(),
  email: z.string(),
  isContact: z.boolean(),
})

const resourcesSchema = z.object({
  /** Decimal text: a number would lose digits, as the grammar allows up to 10^30. */
  ramBytes: z.string(),
  cpus: z.number(),
  gpus: z.number(),
  internet: z.boolean(),
})
/** Machine resources that a run of the task needs. */
export type TaskResources = Immutable<z.infer<typeof resourcesSchema>>

export const taskSummarySchema = z.object({
  /** UUID, new for every upload. */
  id: z.string(),
  namespace: z.string(),
  /** Semantic version, pre-release and build part included. */
  version: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  authors: z.array(authorSchema),
})
/** Fields of a task in listings. */
export type TaskSummary = Immutable<z.infer<typeof taskSummarySchema>>

const imageSchema = z.object({
  /** Without registry host. */
  repository: z.string(),
  tag: z.string(),
  /** `sha256:…` of the pushed manifest. */
  digest: z.string(),
})
/** The task's image in the registry. */
export type TaskImage = Immutable<z.infer<typeof imageSchema>>

const imageSizeSchema = z.object({ unpackedBytes: z.number(), packedBytes: z.number() })
/** Disk usage of an image: container engines keep the pulled layers beside the unpacked ones. */
export type ImageSize = Immutable<z.infer<typeof imageSizeSchema>>

export const taskSchema = z.object({
  ...taskSummarySchema.shape,
  inputFolder: z.string(),
  outputFolder: z.string(),
  /** `configuration.image.file` as written. */
  imageFile: z.string().exactOptional(),
  resources: resourcesSchema,
  /** In descriptor order. */
  inputs: z.array(taskInputSchema),
  outputs: z.array(taskOutputSchema),
  /** Arrays that must have equal indexes, as `inputs/x` and `outputs/y`; transitive closure. */
  matchingGroups: z.array(z.array(z.string())),
  image: imageSchema,
  /** Absent in tasks that an earlier version imported. */
  imageSize: imageSizeSchema.exactOptional(),
  /** Batch job definition of this task; null when no queue of the installation can run the task. */
  jobDefinitionArn: z.string().nullable(),
  /** Kind of queue that the job definition was made for; null without one. */
  queue: z.enum(QUEUE_KINDS).nullable(),
  /** Why there is no job definition: a sentence for the task's author. */
  unschedulableReason: z.string().nullable(),
  hasLogo: z.boolean(),
  /** ISO-8601 UTC. */
  createdAt: z.string(),
})
/** An installed task. */
export type Task = Immutable<z.infer<typeof taskSchema>>

/** A parsed and validated descriptor.yml: everything in it that the service uses. */
export type TaskDescriptor = Omit<
  Task,
  | 'id'
  | 'image'
  | 'imageSize'
  | 'jobDefinitionArn'
  | 'queue'
  | 'unschedulableReason'
  | 'hasLogo'
  | 'createdAt'
>

export const descriptorWarningSchema = z.object({
  /** A sentence that names the path, the probably intended key, and the position in the text. */
  message: z.string(),
  /** From 1. */
  line: z.number(),
  /** From 1. */
  column: z.number(),
})
/** A key of a valid descriptor that has no effect. */
export type DescriptorWarning = Immutable<z.infer<typeof descriptorWarningSchema>>

export function summaryOf({ id, name, namespace, version, description, authors }: Task): TaskSummary {
  return { id, name, namespace, version, description, authors }
}
