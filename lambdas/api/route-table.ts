import type { Context, Env } from 'hono'

/**
 * Method and path of every operation, below the versioned prefix. `routes/` has a handler for each, and `openapi/` a description,
 * which the function does not load (ADR 17). The first match is used, so a literal segment comes before a variable.
 */
export const ROUTES = {
  uploadTask: 'POST /tasks',
  listTasks: 'GET /tasks',
  installTask: 'POST /tasks/:namespace/:version/install',
  listTaskInputsById: 'GET /tasks/:id/inputs',
  listTaskInputsByName: 'GET /tasks/:namespace/:version/inputs',
  listTaskOutputsById: 'GET /tasks/:id/outputs',
  listTaskOutputsByName: 'GET /tasks/:namespace/:version/outputs',
  downloadTaskDescriptorById: 'GET /tasks/:id/descriptor.yml',
  downloadTaskDescriptorByName: 'GET /tasks/:namespace/:version/descriptor.yml',
  downloadTaskLogo: 'GET /tasks/:namespace/:version/logo',
  getTaskPlacementById: 'GET /tasks/:id/placement',
  getTaskPlacementByName: 'GET /tasks/:namespace/:version/placement',
  findPlacement: 'GET /placement',
  getTaskScanById: 'GET /tasks/:id/scan',
  getTaskScanByName: 'GET /tasks/:namespace/:version/scan',
  createRunById: 'POST /tasks/:id/runs',
  createRunByName: 'POST /tasks/:namespace/:version/runs',
  listTaskRuns: 'GET /tasks/:namespace/:version/runs',
  getTaskById: 'GET /tasks/:id',
  getTaskByName: 'GET /tasks/:namespace/:version',
  deleteTask: 'DELETE /tasks/:namespace/:version',

  createUpload: 'POST /uploads',
  getUpload: 'GET /uploads/:id',
  abortUpload: 'DELETE /uploads/:id',
  listUploadParts: 'GET /uploads/:id/parts',
  signUploadParts: 'POST /uploads/:id/part-urls',
  completeUpload: 'POST /uploads/:id/complete',

  listStores: 'GET /stores',
  createStore: 'POST /stores',
  getDefaultStore: 'GET /stores/default',
  setDefaultStore: 'PUT /stores/:id/default',
  deleteStore: 'DELETE /stores/:id',

  stageInputs: 'GET /task-runs/:id/staging/inputs',
  stageOutputs: 'POST /task-runs/:id/staging/outputs',
  beginOutputParts: 'POST /task-runs/:id/staging/parts',
  signOutputParts: 'POST /task-runs/:id/staging/parts/urls',
  completeOutputParts: 'POST /task-runs/:id/staging/parts/complete',
  reportStage: 'POST /task-runs/:id/staging/report',

  provisionInputs: 'PUT /task-runs/:id/input-provisions',
  provisionInput: 'PUT /task-runs/:id/input-provisions/:parameter',
  provisionInputFile: 'POST /task-runs/:id/input-provisions/:parameter',
  provisionInputItem: 'PUT /task-runs/:id/input-provisions/:parameter/indexes',
  provisionInputItemFile: 'POST /task-runs/:id/input-provisions/:parameter/indexes',

  listRuns: 'GET /task-runs',
  getRun: 'GET /task-runs/:id',
  deleteRun: 'DELETE /task-runs/:id',
  changeRunState: 'POST /task-runs/:id/state-actions',
  rerun: 'POST /task-runs/:id/rerun',
  listInputs: 'GET /task-runs/:id/inputs',
  listOutputs: 'GET /task-runs/:id/outputs',
  downloadInputs: 'GET /task-runs/:id/inputs.zip',
  downloadOutputs: 'GET /task-runs/:id/outputs.zip',
  downloadRejectedOutputs: 'GET /task-runs/:id/rejected-outputs.zip',
  downloadCrate: 'GET /task-runs/:id/ro-crate.zip',
  downloadInputItem: 'GET /task-runs/:id/input/:parameter/indexes',
  downloadOutputItem: 'GET /task-runs/:id/output/:parameter/indexes',
  downloadInput: 'GET /task-runs/:id/input/:parameter',
  downloadOutput: 'GET /task-runs/:id/output/:parameter',
  getRunLog: 'GET /task-runs/:id/logs',
  postOutputs: 'POST /task-runs/:id/:secret/outputs.zip',

  getTaskSchema: 'GET /schema/task.json',
  getConsoleConfig: 'GET /ui/config.json',

  createRunSet: 'POST /run-sets',
  listRunSets: 'GET /run-sets',
  getRunSet: 'GET /run-sets/:id',
  deleteRunSet: 'DELETE /run-sets/:id',
  cancelRunSet: 'POST /run-sets/:id/cancel',
  retryRunSet: 'POST /run-sets/:id/retry',
  listRunSetRuns: 'GET /run-sets/:id/runs',
  downloadRunSetTable: 'GET /run-sets/:id/outputs.csv',
  downloadRunSetArchive: 'GET /run-sets/:id/outputs.zip',

  createWebhook: 'POST /webhooks',
  listWebhooks: 'GET /webhooks',
  getWebhook: 'GET /webhooks/:id',
  deleteWebhook: 'DELETE /webhooks/:id',

  streamEvents: 'GET /events',
  ping: 'GET /ping',
} as const

/** Operation of the API, as the OpenAPI document names it. */
export type OperationId = keyof typeof ROUTES

type PathOf<Id extends OperationId> = (typeof ROUTES)[Id] extends `${string} ${infer Path}` ? Path : never

/** Request to one operation; its path has the variables of the table. */
export type RequestContext<Id extends OperationId> = Context<Env, PathOf<Id>>

/** One handler for each operation. */
export type Handlers<Ids extends OperationId = OperationId> = {
  readonly [Id in Ids]: (context: RequestContext<Id>) => Response | Promise<Response>
}

/** Row of the table. */
export interface Route {
  readonly id: OperationId
  readonly method: string
  readonly path: string
}

/** The table in its order. */
export const ROUTE_LIST: readonly Route[] = Object.entries(ROUTES).map(([id, route]) => {
  const [method = '', path = ''] = route.split(' ')
  return { id: id as OperationId, method, path }
})
