/* Responses of the API that the page reads (docs/openapi.yaml). */

export interface ErrorBody {
  readonly errorCode: string
  readonly message: string
  readonly explanation?: string
  readonly details?: {
    readonly type?: string
    readonly parameterName?: string
    readonly description?: string
    readonly exceptionMessage?: string | null
    readonly errors?: readonly ErrorBody[]
  }
}

export interface Config {
  readonly mode: 'read-only' | 'full'
  readonly version: string
  readonly currency: string
}

export interface Author {
  readonly firstName: string
  readonly lastName: string
  readonly organization: string
  readonly email: string
  readonly isContact: boolean
}

export interface TaskName {
  readonly id: string
  readonly namespace: string
  readonly version: string
  readonly name: string
}

export interface Task extends TaskName {
  readonly description: string | null
  readonly authors: readonly Author[]
}

interface Bounds {
  readonly gt?: number
  readonly geq?: number
  readonly lt?: number
  readonly leq?: number
}

/** Limits of files are in the descriptor only; the page adds them. */
interface FileLimits {
  readonly formats: readonly string[] | null
  readonly maxFileSize?: string
  readonly maxWidth?: number
  readonly maxHeight?: number
}

export type ParameterType =
  | { readonly id: 'boolean' }
  | ({ readonly id: 'integer' } & Bounds)
  | ({ readonly id: 'number'; readonly infinityAllowed: boolean; readonly nanAllowed: boolean } & Bounds)
  | { readonly id: 'string'; readonly minLength: number; readonly maxLength?: number }
  | { readonly id: 'enumeration'; readonly values: readonly string[] }
  | { readonly id: 'datetime'; readonly before?: string; readonly after?: string }
  | { readonly id: 'geometry' }
  | ({ readonly id: 'image' } & FileLimits)
  | ({ readonly id: 'file' } & FileLimits)
  | ArrayType

export interface ArrayType {
  readonly id: 'array'
  readonly minSize?: number
  readonly maxSize?: number
  readonly subType: ParameterType
}

export interface TaskInput {
  readonly id: string
  /** The text `null` when there is none. */
  readonly default: string
  readonly name: string
  readonly display_name: string
  readonly description: string
  readonly optional: boolean
  readonly type: ParameterType
}

export interface TaskOutput {
  readonly id: string
  readonly name: string
  readonly displayName: string
  readonly description: string
  readonly optional: boolean
  readonly type: ParameterType
  readonly derivedFrom: string | null
}

export interface Placement {
  readonly placeable: boolean
  readonly queue: string | null
  readonly platform: 'FARGATE' | 'EC2' | null
  readonly vcpus: number | null
  readonly memoryMiB: number | null
  readonly gpus: number | null
  readonly diskGiB?: number
  readonly asked?: Resources
  readonly pricePerHour?: number
  readonly currency: string
  readonly pricesOf?: string
  readonly imageSizeBytes?: number
  readonly reasons?: readonly string[]
}

export interface ImageScan {
  readonly state: string
  /** The state in words. */
  readonly message: string
  readonly completedAt?: string
  /** By severity, worst first. */
  readonly counts?: Readonly<Record<string, number>>
  /** The worst first. */
  readonly findings?: readonly {
    readonly name: string
    readonly severity: string
    readonly package?: string
    readonly version?: string
    readonly fixedIn?: string
    readonly url?: string
  }[]
  /** Findings that are not in the list. */
  readonly omitted?: number
}

export interface Resources {
  readonly cpus: number
  readonly memoryMiB: number
  readonly gpus: number
  readonly internet: boolean
}

export type RunState =
  | 'CREATED'
  | 'PROVISIONED'
  | 'QUEUING'
  | 'QUEUED'
  | 'PENDING'
  | 'RUNNING'
  | 'FAILED'
  | 'FINISHED'

export interface RunFailure {
  readonly kind: string
  readonly message: string
  readonly exitCode?: number
  readonly attempt?: number
}

export interface RunCost {
  readonly usd: number
  readonly pricesOf: string
  readonly vcpuSeconds?: number
  readonly memoryGibSeconds?: number
  readonly diskGibSeconds?: number
  readonly gpuSeconds?: number
}

/** Row of the list of runs, and content of events. */
export interface RunRow {
  readonly id: string
  readonly state: RunState
  readonly task: TaskName
  readonly createdAt: string
  readonly updatedAt: string | null
  readonly startedAt?: string
  readonly endedAt?: string
  readonly cost?: RunCost
  readonly error?: RunFailure
}

export interface StateEntered {
  readonly state: RunState
  readonly at: string
  readonly attempt?: number
}

export interface Timings {
  readonly queueSeconds?: number
  readonly stageInSeconds?: number
  readonly taskSeconds?: number
  readonly stageOutSeconds?: number
  readonly collectSeconds?: number
}

export interface Run extends Omit<RunRow, 'task'> {
  readonly task: Task
  readonly statusReason?: string
  readonly history?: readonly StateEntered[]
  readonly resources?: Resources
  readonly timings?: Timings
  /** Run that computed the outputs, of a run that was not executed itself. */
  readonly reusedFrom?: string
}

export interface Page<Item> {
  readonly content: readonly Item[]
  readonly next?: string
}

/** Item of an array: a value, or an array. */
export interface ArrayItem {
  readonly index: number
  readonly value?: Scalar | readonly ArrayItem[]
  readonly truncated?: true
}

export type Scalar = boolean | number | string

export interface RunValue {
  readonly parameterName: string
  readonly type: string
  readonly subType?: string
  readonly value: Scalar | null | readonly ArrayItem[]
  readonly truncated?: true
  readonly sizeBytes?: number
  readonly href?: string
}

export interface Warning {
  readonly message: string
  readonly line: number
  readonly column: number
}

export interface Upload {
  readonly id: string
  readonly fileName: string | null
  readonly sizeBytes: number | null
  readonly state: 'CREATED' | 'VALIDATING' | 'PUSHING' | 'READY' | 'FAILED'
  readonly partSizeBytes: number | null
  readonly progress: {
    readonly layers: number
    readonly layersDone: number
    readonly bytes: number
    readonly bytesDone: number
  } | null
  readonly task: Task | null
  readonly warnings: readonly Warning[]
  readonly error: ErrorBody | null
}
