import type { Context } from 'hono'
import type { ObjectStore } from '../../../src/aws/object-store.ts'
import type { PartStore } from '../../../src/aws/part-store.ts'
import { DomainError } from '../../../src/contract/errors.ts'
import type { JobQueues } from '../../../src/contract/job-queues.ts'
import type { JsonValue } from '../../../src/contract/json.ts'
import { descriptorKey, logoKey } from '../../../src/contract/storage-keys.ts'
import { isUuid } from '../../../src/contract/uuid.ts'
import { installTask } from '../../../src/import/install-task.ts'
import { installUpload } from '../../../src/import/install-upload.ts'
import type { ImageRegistry } from '../../../src/import/registry/image-registry.ts'
import type { ImageScans } from '../../../src/import/registry/image-scans.ts'
import { uploadTask } from '../../../src/import/upload-task.ts'
import type { ImportedTask } from '../../../src/import/wait-for-import.ts'
import { BYTES_TYPE } from '../../../src/inputs/run-files.ts'
import { deleteTask } from '../../../src/lifecycle/delete-task.ts'
import { createRun } from '../../../src/run/create-run.ts'
import type { Repositories } from '../../../src/run/find-run.ts'
import type { JobScheduler } from '../../../src/run/job/job-scheduler.ts'
import { placementFor, placementOf } from '../../../src/run/job/placement.ts'
import type { LogStore } from '../../../src/run/log-store.ts'
import type { RunWorkflow } from '../../../src/run/run-workflow.ts'
import type { RunSetRepository } from '../../../src/run/set/run-set-repository.ts'
import type { RunSetWorkflow } from '../../../src/run/set/run-set-workflow.ts'
import type { Identity } from '../../../src/shared/identity.ts'
import type { ReportProblem } from '../../../src/shared/report-problem.ts'
import type { StoreRepository } from '../../../src/store/store-repository.ts'
import type { ImageSize, Task, TaskResources, TaskSummary } from '../../../src/task/task.ts'
import { completeUpload } from '../../../src/upload/complete-upload.ts'
import type { ImportRequests } from '../../../src/upload/import-requests.ts'
import type { Upload } from '../../../src/upload/upload.ts'
import type { UploadRepository } from '../../../src/upload/upload-repository.ts'
import { deletionTime } from '../deletion-time.ts'
import { answerFile } from '../download.ts'
import { readJson } from '../json-body.ts'
import { isMultipart, readMultipart } from '../multipart.ts'
import { booleanQuery, countQuery, requiredCountQuery } from '../query.ts'
import type { Handlers } from '../route-table.ts'
import { uploadReference } from '../upload-reference.ts'
import {
  viewImportedTask,
  viewInput,
  viewNewRun,
  viewOutput,
  viewPlacement,
  viewScan,
  viewTask,
  viewUpload,
} from '../views.ts'

/** Ports and settings of these handlers. */
interface Dependencies extends Repositories {
  readonly identity: Identity
  readonly objects: ObjectStore
  readonly parts: PartStore
  readonly sets: RunSetRepository
  readonly uploads: UploadRepository
  readonly stores: StoreRepository
  readonly requests: ImportRequests
  readonly registry: Pick<ImageRegistry, 'removeImage'>
  readonly scans: ImageScans
  readonly scheduler: JobScheduler
  readonly workflow: RunWorkflow
  readonly setWorkflow: Pick<RunSetWorkflow, 'stop'>
  readonly logs: LogStore
  readonly report: ReportProblem
  readonly queues: JobQueues
  /** Waits between two polls of an import. */
  readonly pause: () => Promise<void>
}

/**
 * Imports a bundle from a multipart body. A client that sends `Prefer: respond-async` (RFC 7240) gets 202 and polls with the upload's
 * id; core would read any success as a task.
 * @throws DomainError INTERNAL_SERVER_ERROR when the import takes longer than the gateway waits
 */
async function importSent(deps: Dependencies, context: Context): Promise<Response> {
  const uploaded = await uploadTask(deps, (await readMultipart(context)).first)
  const isAsync = /\brespond-async\b/u.test(context.req.header('prefer') ?? '')
  if ('task' in uploaded || isAsync) return answerImport(context, uploaded)
  const words = `the import of upload ${uploaded.upload.id} continues; GET tasks shows the task when the import has ended`
  throw new DomainError('INTERNAL_SERVER_ERROR', { type: 'server', exceptionMessage: words })
}

/** Tasks (http-api 5.2 to 5.11). */
export function taskHandlers(deps: Dependencies) {
  /** For paths that name a task by id or by namespace and version. */
  const onTask =
    (handle: (task: Task, context: Context) => Response | Promise<Response>) => async (context: Context) =>
      handle(await findTask(deps, context), context)
  const getTask = onTask((task, context) => context.json(viewTask(task)))
  const listTaskInputs = onTask((task, context) => context.json(task.inputs.map(viewInput)))
  const listTaskOutputs = onTask((task, context) => context.json(task.outputs.map(viewOutput)))
  const downloadDescriptor = onTask((task, context) =>
    answerDefinitionFile(deps, context, descriptorKey(task.id), 'descriptor.yml'),
  )
  const getPlacement = onTask((task, context) =>
    context.json(viewPlacement(task, placementOf(task, deps.queues))),
  )
  const getScan = onTask(async (task, context) =>
    context.json(viewScan(task, await deps.scans.find(task.image))),
  )
  const makeRun = onTask(async (task, context) => context.json(viewNewRun(await createRun(deps, task), task)))

  return {
    listTasks: async (context) => answerList(context, await deps.tasks.list()),

    uploadTask: async (context) =>
      isMultipart(context) ? importSent(deps, context) : installUploaded(deps, context),

    installTask: async (context) => answerImport(context, await installTask(deps, context.req.param())),

    getTaskById: getTask,
    getTaskByName: getTask,
    listTaskInputsById: listTaskInputs,
    listTaskInputsByName: listTaskInputs,
    listTaskOutputsById: listTaskOutputs,
    listTaskOutputsByName: listTaskOutputs,
    downloadTaskDescriptorById: downloadDescriptor,
    downloadTaskDescriptorByName: downloadDescriptor,
    downloadTaskLogo: onTask((task, context) =>
      answerDefinitionFile(deps, context, logoKey(task.id), 'logo.png'),
    ),
    getTaskPlacementById: getPlacement,
    getTaskPlacementByName: getPlacement,
    findPlacement: (context) => answerPlacement(deps, context),
    getTaskScanById: getScan,
    getTaskScanByName: getScan,
    createRunById: makeRun,
    createRunByName: makeRun,

    async listTaskRuns(context) {
      // Core lists the runs before it deletes a task, also when it repeats an interrupted deletion.
      if (await deps.tasks.isInRemoval(context.req.param())) return context.json([])
      const task = await findTask(deps, context)
      return context.json((await deps.runs.listByTask(task.id)).map((run) => viewNewRun(run, task)))
    },

    async deleteTask(context) {
      await deleteTask(deps, context.req.param(), { isTimeUp: deletionTime(deps.identity) })
      return context.body(null, 200)
    },
  } satisfies Partial<Handlers>
}

const NO_IMAGE: ImageSize = { packedBytes: 0, unpackedBytes: 0 }
const MIB = 1024n ** 2n
/** Maximum numbers in a query. No machine has as much, and sums stay exact. */
const MAX = { cpus: 1e6, memoryMiB: 1e12, bytes: 1e15 }

/** @throws DomainError QUERY_INVALID */
function answerPlacement({ queues }: Dependencies, context: Context): Response {
  const asked = askedBy(context)
  const imageSize = imageSizeOf(context)
  const placement = placementFor(asked, imageSize ?? NO_IMAGE, queues)
  return context.json(viewPlacement({ resources: asked, ...(imageSize && { imageSize }) }, placement))
}

/** @throws DomainError QUERY_INVALID */
function askedBy(context: Context): TaskResources {
  const memoryMib = requiredCountQuery(context, 'memoryMiB', { least: 1, most: MAX.memoryMiB })
  return {
    cpus: requiredCountQuery(context, 'cpus', { least: 1, most: MAX.cpus }),
    ramBytes: String(BigInt(memoryMib) * MIB),
    gpus: countQuery(context, 'gpus', { least: 0, most: MAX.cpus }) ?? 0,
    internet: booleanQuery(context, 'internet'),
  }
}

/** @throws DomainError QUERY_INVALID */
function imageSizeOf(context: Context): ImageSize | undefined {
  const packedBytes = countQuery(context, 'imageBytes', { least: 0, most: MAX.bytes })
  const unpackedBytes = countQuery(context, 'unpackedImageBytes', { least: 0, most: MAX.bytes })
  if (packedBytes === undefined && unpackedBytes === undefined) return undefined
  return { packedBytes: packedBytes ?? 0, unpackedBytes: unpackedBytes ?? 0 }
}

/** JSON texts of lists: the repository returns the same list object while it is unchanged. */
const listTexts = new WeakMap<readonly TaskSummary[], string>()

function answerList(context: Context, tasks: readonly TaskSummary[]): Response {
  const text = listTexts.get(tasks) ?? JSON.stringify(tasks.map(viewTask))
  listTexts.set(tasks, text)
  return context.body(text, 200, { 'content-type': 'application/json' })
}

/** Status 202 while the import continues: the client repeats the call. */
function answerImport(context: Context, installed: ImportedTask | { readonly upload: Upload }): Response {
  return 'task' in installed
    ? context.json(viewImportedTask(installed))
    : context.json(viewUpload(installed.upload, undefined), 202)
}

/** Installs a bundle from an upload; with `complete`, from the parts that have arrived. */
async function installUploaded(deps: Dependencies, context: Context): Promise<Response> {
  const body = await readJson(context, 'INTERNAL_NOT_MULTIPART')
  const reference = uploadReference(body)
  if (reference === undefined) throw new DomainError('INTERNAL_NOT_MULTIPART')
  if ((body as { readonly complete?: JsonValue }).complete === true) {
    await completeUpload(deps, reference.uploadId)
  }
  return answerImport(context, await installUpload(deps, reference.uploadId, 'uploadId'))
}

/** The task that the path names, by id or by namespace and version. */
async function findTask(deps: Dependencies, context: Context): Promise<Task> {
  const { id, namespace, version } = context.req.param() as Readonly<Record<string, string | undefined>>
  let task: Task | undefined
  if (id !== undefined) task = isUuid(id) ? await deps.tasks.findById(id) : undefined
  else if (namespace !== undefined && version !== undefined) {
    task = await deps.tasks.findByName(namespace, version)
  }
  if (task === undefined) throw new DomainError('INTERNAL_TASK_NOT_FOUND')
  return task
}

async function answerDefinitionFile(
  deps: Dependencies,
  context: Context,
  key: string,
  fileName: string,
): Promise<Response> {
  const sizeBytes = await deps.objects.size(key)
  if (sizeBytes === undefined) throw new DomainError('INTERNAL_LOGO_NOT_FOUND')
  const file = { kind: 'object', name: fileName, key, sizeBytes } as const
  return answerFile(context, deps, file, { contentType: BYTES_TYPE, fileName })
}
