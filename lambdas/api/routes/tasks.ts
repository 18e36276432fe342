import type { Context } from 'hono'
import { DomainError } from '../../../src/contract/errors.ts'
import { descriptorKey, logoKey } from '../../../src/contract/storage-keys.ts'
import { installTask } from '../../../src/import/install-task.ts'
import { installUpload } from '../../../src/import/install-upload.ts'
import { uploadTask } from '../../../src/import/upload-task.ts'
import { BYTES_TYPE } from '../../../src/inputs/run-files.ts'
import { deleteTask } from '../../../src/lifecycle/delete-task.ts'
import { createRun } from '../../../src/run/create-run.ts'
import { isUuid } from '../../../src/run/find-run.ts'
import type { Task, TaskSummary } from '../../../src/task/task.ts'
import type { ApiDependencies } from '../dependencies.ts'
import { answerFile } from '../download.ts'
import { readJson } from '../json-body.ts'
import { isMultipart, readMultipart } from '../multipart.ts'
import { pathVariable, type Route } from '../route.ts'
import { uploadReference } from '../upload-reference.ts'
import { viewImportedTask, viewInput, viewNewRun, viewOutput, viewTask, viewUpload } from '../views.ts'

const BY_ID = '/tasks/:id'
const BY_NAME = '/tasks/:namespace/:version'

/**
 * Whoever prefers an answer before the end (RFC 7240) can ask again with the upload's id; core would take any success for a task.
 * @throws DomainError INTERNAL_SERVER_ERROR when the import outlasts the gateway's patience
 */
async function importSent(deps: ApiDependencies, context: Context): Promise<Response> {
  const uploaded = await uploadTask(deps, (await readMultipart(context)).first)
  if ('task' in uploaded) return context.json(viewImportedTask(uploaded))
  const { upload } = uploaded
  if (/\brespond-async\b/u.test(context.req.header('prefer') ?? '')) {
    return context.json(viewUpload(upload, undefined), 202)
  }
  const words = `the import of upload ${upload.id} still goes on; GET tasks will show the task when it is through`
  throw new DomainError('INTERNAL_SERVER_ERROR', { type: 'server', exceptionMessage: words })
}

/** Tasks: upload, installation, listing, description, parameters, descriptor, logo, runs, deletion (http-api 5.2 to 5.11). */
export function taskRoutes(deps: ApiDependencies): readonly Route[] {
  const onTask =
    (handle: (task: Task, context: Context) => Response | Promise<Response>) => async (context: Context) =>
      handle(await findTask(deps, context), context)
  /** The same route by id and by namespace and version. */
  const both = (
    method: Route['method'],
    rest: string,
    handle: (task: Task, context: Context) => Response | Promise<Response>,
  ): Route[] => [
    { method, path: `${BY_ID}${rest}`, handle: onTask(handle) },
    { method, path: `${BY_NAME}${rest}`, handle: onTask(handle) },
  ]

  return [
    {
      method: 'POST',
      path: '/tasks',
      handle: async (context) =>
        isMultipart(context) ? importSent(deps, context) : installUploaded(deps, context),
    },
    {
      method: 'POST',
      path: `${BY_NAME}/install`,
      handle: async (context) => {
        const name = {
          namespace: pathVariable(context, 'namespace'),
          version: pathVariable(context, 'version'),
        }
        const installed = await installTask(deps, name)
        return 'task' in installed
          ? context.json(viewImportedTask(installed))
          : context.json(viewUpload(installed.upload, undefined), 202)
      },
    },
    {
      method: 'GET',
      path: '/tasks',
      handle: async (context) => answerList(context, await deps.tasks.list()),
    },
    ...both('GET', '/inputs', (task, context) => context.json(task.inputs.map(viewInput))),
    ...both('GET', '/outputs', (task, context) => context.json(task.outputs.map(viewOutput))),
    ...both('GET', '/descriptor.yml', (task, context) =>
      answerDefinitionFile(deps, context, descriptorKey(task.id), 'descriptor.yml'),
    ),
    ...both('POST', '/runs', async (task, context) =>
      context.json(viewNewRun(await createRun(deps, task), task)),
    ),
    {
      method: 'GET',
      path: `${BY_NAME}/runs`,
      handle: async (context) => {
        const namespace = pathVariable(context, 'namespace')
        const name = { namespace, version: pathVariable(context, 'version') }
        // Core asks for the runs before it deletes a task, so also before it repeats a deletion that broke off.
        if (await deps.tasks.isInRemoval(name)) return context.json([])
        const task = await findTask(deps, context)
        return context.json((await deps.runs.listByTask(task.id)).map((run) => viewNewRun(run, task)))
      },
    },
    {
      method: 'GET',
      path: `${BY_NAME}/logo`,
      handle: onTask((task, context) => answerDefinitionFile(deps, context, logoKey(task.id), 'logo.png')),
    },
    { method: 'GET', path: BY_ID, handle: onTask((task, context) => context.json(viewTask(task))) },
    { method: 'GET', path: BY_NAME, handle: onTask((task, context) => context.json(viewTask(task))) },
    {
      method: 'DELETE',
      path: BY_NAME,
      handle: async (context) => {
        const namespace = pathVariable(context, 'namespace')
        await deleteTask(deps, { namespace, version: pathVariable(context, 'version') })
        return context.body(null, 200)
      },
    },
  ]
}

/** Texts of lists: a repository gives the same list again for as long as it is right. */
const listTexts = new WeakMap<readonly TaskSummary[], string>()

function answerList(context: Context, tasks: readonly TaskSummary[]): Response {
  const text = listTexts.get(tasks) ?? JSON.stringify(tasks.map(viewTask))
  listTexts.set(tasks, text)
  return context.body(text, 200, { 'content-type': 'application/json' })
}

/** The bundle came as an upload; 202 asks the client to call again. */
async function installUploaded(deps: ApiDependencies, context: Context): Promise<Response> {
  const reference = uploadReference(await readJson(context, 'INTERNAL_NOT_MULTIPART'))
  if (reference === undefined) throw new DomainError('INTERNAL_NOT_MULTIPART')
  const installed = await installUpload(deps, reference.uploadId, 'uploadId')
  return 'task' in installed
    ? context.json(viewImportedTask(installed))
    : context.json(viewUpload(installed.upload, undefined), 202)
}

/** The task that the path names, by id or by namespace and version. */
async function findTask(deps: ApiDependencies, context: Context): Promise<Task> {
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
  deps: ApiDependencies,
  context: Context,
  key: string,
  fileName: string,
): Promise<Response> {
  const sizeBytes = await deps.objects.size(key)
  if (sizeBytes === undefined) throw new DomainError('INTERNAL_LOGO_NOT_FOUND')
  const file = { kind: 'object', name: fileName, key, sizeBytes } as const
  return answerFile(context, deps, file, { contentType: BYTES_TYPE, fileName })
}
