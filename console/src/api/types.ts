import type { ListedRunSet, RunSet } from '../../../lambdas/api/openapi/run-set-schemas.ts'
import type {
  TaskInput as ListedInput,
  TaskOutput as ListedOutput,
  ParameterType as ListedType,
} from '../../../lambdas/api/openapi/task-schemas.ts'

/* Requests and responses of the API, inferred from its schemas. Only types: the page contains no schema. */

export type { ConsoleConfig as Config } from '../../../lambdas/api/openapi/console-schema.ts'
export type { Placement } from '../../../lambdas/api/openapi/placement-schema.ts'
export type {
  DesiredState,
  ListedRun as RunRow,
  LogPart,
  NewRun,
  Run,
  RunFailure,
  RunHistoryEntry as StateEntered,
  RunState,
  RunTimings as Timings,
} from '../../../lambdas/api/openapi/run-schemas.ts'
export type {
  ListedRunSet as ListedSet,
  NewRunSet as NewSet,
  RunSet,
  RunSetRun as SetRun,
} from '../../../lambdas/api/openapi/run-set-schemas.ts'
export type { ArrayItem, InnerArray, RunValue } from '../../../lambdas/api/openapi/run-value-schemas.ts'
export type { ImageScan } from '../../../lambdas/api/openapi/scan-schema.ts'
export type { ErrorBody } from '../../../lambdas/api/openapi/shared-schemas.ts'
export type {
  DescriptorWarning as Warning,
  TaskDescription as Task,
} from '../../../lambdas/api/openapi/task-schemas.ts'
export type {
  NewUpload,
  PartRange,
  SignedParts,
  Upload,
  UploadParts,
} from '../../../lambdas/api/openapi/upload-schemas.ts'

/** Limits of files that only the descriptor has; `withLimits` adds them. */
interface FileLimits {
  readonly maxFileSize?: string
  readonly maxWidth?: number
  readonly maxHeight?: number
}

/** Type of a parameter as the API returns it, with the limits of files. */
export type ParameterType =
  | Exclude<ListedType, { readonly id: 'image' | 'file' | 'array' }>
  | (Extract<ListedType, { readonly id: 'image' | 'file' }> & FileLimits)
  | ArrayType

export interface ArrayType extends Omit<Extract<ListedType, { readonly id: 'array' }>, 'subType'> {
  readonly subType: ParameterType
}

export interface TaskInput extends Omit<ListedInput, 'type'> {
  readonly type: ParameterType
}

export interface TaskOutput extends Omit<ListedOutput, 'type'> {
  readonly type: ParameterType
}

export type SetState = ListedRunSet['state']
export type SetCounts = ListedRunSet['counts']
export type Problems = NonNullable<RunSet['problems']>
export type FailureGroup = NonNullable<RunSet['failures']>[number]

/** Query of a list of runs. */
export interface RunFilter {
  readonly state?: string
  readonly taskId?: string
  readonly q?: string
}

export interface Page<Item> {
  readonly content: readonly Item[]
  readonly next?: string
}
