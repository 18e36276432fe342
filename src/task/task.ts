import type { QueueKind } from '../contract/job-queues.ts'
import type { JsonValue } from '../contract/json.ts'

/** What identifies a task to people. */
export interface TaskName {
  readonly namespace: string
  readonly version: string
}

/** The ten parameter types of a descriptor; upper-cased they are the `type` of run values. */
export type ParameterTypeId =
  | 'boolean'
  | 'integer'
  | 'number'
  | 'string'
  | 'enumeration'
  | 'datetime'
  | 'geometry'
  | 'image'
  | 'file'
  | 'array'

/** Bounds of integer and number; all that are set apply (descriptor contract, 7 no. 16). */
export interface Bounds {
  readonly gt?: number
  readonly geq?: number
  readonly lt?: number
  readonly leq?: number
}

/** A parameter's type with its constraints, defaults filled in. */
export type ParameterType =
  | { readonly id: 'boolean' }
  | ({ readonly id: 'integer' } & Bounds)
  | ({ readonly id: 'number'; readonly infinityAllowed: boolean; readonly nanAllowed: boolean } & Bounds)
  | { readonly id: 'string'; readonly minLength: number; readonly maxLength?: number }
  | { readonly id: 'enumeration'; readonly values: readonly string[] }
  /** ISO instants, both inclusive. */
  | { readonly id: 'datetime'; readonly before?: string; readonly after?: string }
  | { readonly id: 'geometry' }
  | {
      readonly id: 'image'
      readonly formats?: readonly string[]
      readonly maxFileSizeBytes?: number
      /** Pixels. */
      readonly maxWidth?: number
      readonly maxHeight?: number
    }
  | { readonly id: 'file'; readonly formats?: readonly string[]; readonly maxFileSizeBytes?: number }
  | {
      readonly id: 'array'
      readonly minSize?: number
      readonly maxSize?: number
      readonly allowMissing: boolean
      readonly subType: ParameterType
    }

interface Parameter {
  /** UUID given at upload, stable for the life of the task. */
  readonly id: string
  /** File name in the container. */
  readonly name: string
  readonly displayName: string
  readonly description: string
  readonly optional: boolean
  readonly type: ParameterType
}

export interface TaskInput extends Parameter {
  readonly default?: JsonValue
}

export interface TaskOutput extends Parameter {
  /** Bare name of the input that this output comes from. */
  readonly derivedFrom: string | null
}

export interface Author {
  readonly firstName: string
  readonly lastName: string
  readonly organization: string
  readonly email: string
  readonly isContact: boolean
}

/** What a run of the task needs of a machine. */
export interface TaskResources {
  /** Bytes, or a decimal text where a number would lose digits (the grammar goes up to 10^30). */
  readonly ramBytes: string
  readonly cpus: number
  readonly gpus: number
  readonly internet: boolean
}

/** A parsed and validated descriptor.yml: everything in it that the service uses. */
export interface TaskDescriptor {
  readonly namespace: string
  /** Semantic version, pre-release and build part included. */
  readonly version: string
  readonly name: string
  readonly description: string | null
  readonly authors: readonly Author[]
  readonly inputFolder: string
  readonly outputFolder: string
  /** `configuration.image.file` as written, when given. */
  readonly imageFile?: string
  readonly resources: TaskResources
  /** In descriptor order. */
  readonly inputs: readonly TaskInput[]
  readonly outputs: readonly TaskOutput[]
  /** Groups of arrays that must agree in size and indexes, as `inputs/x` and `outputs/y`; transitive closure. */
  readonly matchingGroups: readonly (readonly string[])[]
}

/** Where the task's image lies and how a job for it is made. */
export interface TaskImage {
  /** Without registry host. */
  readonly repository: string
  readonly tag: string
  /** `sha256:…` of the pushed manifest. */
  readonly digest: string
}

/** An installed task. */
export interface Task extends TaskDescriptor {
  /** New UUID for every upload. */
  readonly id: string
  readonly image: TaskImage
  /** ARN of the Batch job definition of this task version; null when no queue of the stage can hold the request. */
  readonly jobDefinitionArn: string | null
  /** Kind of queue that the definition was made for; null without one. */
  readonly queue: QueueKind | null
  /** Why there is no job definition, in words for the task's author. */
  readonly unschedulableReason: string | null
  readonly hasLogo: boolean
  /** ISO-8601 UTC. */
  readonly createdAt: string
}

/** What listings show of a task. */
export type TaskSummary = Pick<Task, 'id' | 'name' | 'namespace' | 'version' | 'description' | 'authors'>

export function summaryOf({ id, name, namespace, version, description, authors }: Task): TaskSummary {
  return { id, name, namespace, version, description, authors }
}
