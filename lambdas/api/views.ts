import { explained } from '../../src/contract/errors.ts'
import { printable, printableLines } from '../../src/contract/quoted.ts'
import type { ImageScan } from '../../src/import/registry/image-scans.ts'
import type { ImportedTask } from '../../src/import/wait-for-import.ts'
import { itemName } from '../../src/inputs/array-provisions.ts'
import type { ArrayItemTarget } from '../../src/inputs/provision-array.ts'
import { endedAt, historyOf, startedAt } from '../../src/run/entered-states.ts'
import { PRICES } from '../../src/run/job/cost.ts'
import { platformOf } from '../../src/run/job/job-definition.ts'
import { memoryMibOf } from '../../src/run/job/job-size.ts'
import type { placementOf } from '../../src/run/job/placement.ts'
import { waitingReason } from '../../src/run/job/waiting.ts'
import type { ListedRun } from '../../src/run/list-runs.ts'
import type { JobUsage, Run } from '../../src/run/run.ts'
import { timingsOf } from '../../src/run/run-timings.ts'
import type { Store } from '../../src/store/store.ts'
import {
  leafOf,
  type ParameterType,
  type Task,
  type TaskInput,
  type TaskOutput,
  type TaskSummary,
} from '../../src/task/task.ts'
import type { Upload } from '../../src/upload/upload.ts'
import type { Placement as PlacementView } from './openapi/placement-schema.ts'
import type {
  ListedRun as ListedRunView,
  NewRun as NewRunView,
  Run as RunView,
} from './openapi/run-schemas.ts'
import type { ImageScan as ScanView } from './openapi/scan-schema.ts'
import type {
  ImportedTask as ImportedTaskView,
  ParameterType as ParameterTypeView,
  TaskDescription,
  TaskInput as TaskInputView,
  TaskOutput as TaskOutputView,
} from './openapi/task-schemas.ts'
import type { Upload as UploadView } from './openapi/upload-schemas.ts'

/*
 * Bodies of responses. Key order and the two inconsistent keys of inputs (`default`, `display_name`) are the contract's (http-api 1.3
 * and 6).
 */

/** http-api 6.1 */
export function viewTask(task: TaskSummary): TaskDescription {
  const { id, name, namespace, version, description, authors } = task
  return { id, name, namespace, version, description, authors }
}

export function viewImportedTask({ task, warnings }: ImportedTask): ImportedTaskView {
  return { ...viewTask(task), warnings }
}

/** @param task task that was imported from the upload */
export function viewUpload(upload: Upload, task: Task | undefined): UploadView {
  const { id, purpose, state, createdAt } = upload
  return {
    id,
    purpose,
    fileName: upload.fileName ?? null,
    sizeBytes: upload.sizeBytes ?? null,
    state,
    createdAt,
    partSizeBytes: upload.parts?.partSizeBytes ?? null,
    progress: upload.progress ?? null,
    task: task === undefined ? null : viewTask(task),
    warnings: upload.warnings ?? [],
    error: upload.error === undefined ? null : viewUploadError(upload.error),
    ...(upload.namedLayers === undefined ? {} : { layers: upload.namedLayers }),
  }
}

function viewUploadError({
  status,
  ...body
}: NonNullable<Upload['error']>): NonNullable<UploadView['error']> {
  return { ...explained(body), status }
}

/** http-api 6.2: bounds only where set; `formats` null when unset. */
function viewType(type: ParameterType): ParameterTypeView {
  switch (type.id) {
    case 'image':
    case 'file':
      return { id: type.id, formats: type.formats ?? null }
    case 'array':
      return {
        id: type.id,
        ...(type.minSize === undefined ? {} : { minSize: type.minSize }),
        ...(type.maxSize === undefined ? {} : { maxSize: type.maxSize }),
        subType: viewType(type.subType),
      }
    default:
      return type
  }
}

/** http-api 5.4: a missing default is the string `null`, which the web client compares with. */
export function viewInput(input: TaskInput): TaskInputView {
  return {
    id: input.id,
    default: String(input.default ?? 'null'),
    name: input.name,
    display_name: input.displayName,
    description: input.description,
    optional: input.optional,
    type: viewType(input.type),
  }
}

/** http-api 5.5 */
export function viewOutput(output: TaskOutput): TaskOutputView {
  return {
    id: output.id,
    name: output.name,
    displayName: output.displayName,
    description: output.description,
    optional: output.optional,
    type: viewType(output.type),
    derivedFrom: output.derivedFrom,
  }
}

/** http-api 5.8: exactly three keys. */
export function viewNewRun(run: Run, task: Task): NewRunView {
  return { id: run.id, task: viewTask(task), state: run.state }
}

/** http-api 5.13. Additional fields: why a run waits or failed, its times, resources and cost. */
export function viewRun(run: Run, task: Task, now: Date): RunView {
  const statusReason = waitingReason(run, now)
  const timings = timingsOf(run)
  return {
    ...viewNewRun(run, task),
    createdAt: run.createdAt,
    updatedAt: run.updatedAt,
    ...viewTimes(run),
    history: historyOf(run),
    resources: viewResources(task),
    ...(statusReason === undefined ? {} : { statusReason }),
    ...(run.failure === undefined
      ? {}
      : { error: { ...run.failure, message: printableLines(run.failure.message) } }),
    ...(run.reusedFrom === undefined ? {} : { reusedFrom: run.reusedFrom }),
    ...(run.notReused === undefined ? {} : { notReused: run.notReused }),
    ...(run.ignoredFiles && { ignoredFiles: run.ignoredFiles.map((name) => printable(name)) }),
    ...(run.job?.usage === undefined ? {} : { cost: viewCost(run.job.usage) }),
    ...(Object.keys(timings).length === 0 ? {} : { timings }),
  }
}

/** Start of the first container, and end of the run, if they are known. */
export function viewTimes(run: Pick<Run, 'entered'>): Pick<RunView, 'startedAt' | 'endedAt'> {
  const times = { startedAt: startedAt(run), endedAt: endedAt(run) }
  return {
    ...(times.startedAt !== undefined && { startedAt: times.startedAt }),
    ...(times.endedAt !== undefined && { endedAt: times.endedAt }),
  }
}

/** Resources that the descriptor requests. */
function viewResources({ resources }: Pick<Task, 'resources'>): RunView['resources'] {
  const { cpus, gpus, internet } = resources
  return { cpus, memoryMiB: memoryMibOf(resources), gpus, internet }
}

/** @param placement placement of the task, or of one that requests the same */
export function viewPlacement(
  task: Pick<Task, 'resources' | 'imageSize'>,
  placement: ReturnType<typeof placementOf>,
): PlacementView {
  const common = {
    asked: viewResources(task),
    ...(task.imageSize && { imageSizeBytes: task.imageSize.packedBytes }),
    currency: 'USD' as const,
    pricesOf: PRICES.date,
  }
  if ('reasons' in placement) {
    const none = { queue: null, platform: null, vcpus: null, memoryMiB: null, gpus: null }
    return { placeable: false, ...none, ...common, reasons: placement.reasons }
  }
  const { queue, machine, pricePerHour } = placement
  return {
    placeable: true,
    queue,
    platform: platformOf(queue),
    vcpus: machine.vcpus,
    memoryMiB: machine.memoryGib * 1024,
    gpus: machine.gpus,
    diskGiB: machine.diskGib,
    ...common,
    pricePerHour,
  }
}

/** Last scan of the task's image. */
export function viewScan(
  { image }: Task,
  { state, message, counts, findings, ...times }: ImageScan,
): ScanView {
  const total = Object.values(counts ?? {}).reduce((sum, count) => sum + count, 0)
  return {
    state,
    message,
    imageDigest: image.digest,
    ...times,
    ...(counts && { counts }),
    ...(findings && { findings, omitted: Math.max(0, total - findings.length) }),
  }
}

/** Row of a list of runs. */
export function viewListedRun({ row, task }: ListedRun): ListedRunView {
  const { id, state, createdAt, updatedAt, cost, failure } = row
  const { namespace, version, name } = task
  return {
    id,
    state,
    task: { id: task.id, namespace, version, name },
    createdAt,
    updatedAt,
    ...viewTimes(row),
    ...(cost && { cost }),
    ...(failure && { error: failure }),
  }
}

/** Omits the times of waiting and computing, which only metrics use. */
function viewCost({
  queueSeconds: _queue,
  jobSeconds: _job,
  ...cost
}: JobUsage): NonNullable<RunView['cost']> {
  return cost
}

/** http-api 5.15: no `value` for images and files, nor for arrays of them or of geometries. */
export function viewProvision(
  provision: { readonly parameterName: string; readonly value: unknown },
  runId: string,
  type: ParameterType,
): object {
  const silent = type.id === 'array' ? SILENT_LEAVES : SILENT_SCALARS
  return {
    parameterName: provision.parameterName,
    ...(silent.has(leafOf(type).id) ? {} : { value: provision.value }),
    taskRunId: runId,
  }
}

/** http-api 5.17 */
export function viewItemProvision(
  { run, input, path }: Pick<ArrayItemTarget, 'run' | 'input' | 'path'>,
  value: unknown,
): object {
  return {
    index: itemName(input.name, path),
    ...(SILENT_LEAVES.has(leafOf(input.type).id) ? {} : { value }),
    taskRunId: run.id,
  }
}

const SILENT_SCALARS: ReadonlySet<string> = new Set(['image', 'file'])
const SILENT_LEAVES: ReadonlySet<string> = new Set(['image', 'file', 'geometry'])

/** http-api 5.12 */
export function viewStore(store: Store): object {
  const { id, name, host, isDefault } = store
  return { id, name, host, defaultStore: isDefault }
}
