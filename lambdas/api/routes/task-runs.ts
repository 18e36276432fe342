import type { Context } from 'hono'
import type { ObjectStore } from '../../../src/aws/object-store.ts'
import { DomainError } from '../../../src/contract/errors.ts'
import type { JsonValue } from '../../../src/contract/json.ts'
import { findInputListing } from '../../../src/inputs/list-inputs.ts'
import { findInputFile, findInputItem, packInputs } from '../../../src/inputs/read-inputs.ts'
import { BYTES_TYPE, type Download } from '../../../src/inputs/run-files.ts'
import { changeRunState } from '../../../src/lifecycle/change-run-state.ts'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { followRunLog } from '../../../src/lifecycle/follow-run-log.ts'
import { readRunLog } from '../../../src/lifecycle/read-run-log.ts'
import { rerun } from '../../../src/lifecycle/rerun.ts'
import { packCrate } from '../../../src/outputs/crate/pack-crate.ts'
import { postOutputs } from '../../../src/outputs/post-outputs.ts'
import {
  findOutputFile,
  findOutputItem,
  findOutputListing,
  packOutputs,
} from '../../../src/outputs/read-outputs.ts'
import { packRejectedOutputs } from '../../../src/outputs/read-rejected.ts'
import { findRunAndTask, type Repositories } from '../../../src/run/find-run.ts'
import type { JobScheduler } from '../../../src/run/job/job-scheduler.ts'
import type { LogStore } from '../../../src/run/log-store.ts'
import type { RunWorkflow } from '../../../src/run/run-workflow.ts'
import type { Identity } from '../../../src/shared/identity.ts'
import type { ReportProblem } from '../../../src/shared/report-problem.ts'
import { shown } from '../../../src/task/parameters/shown.ts'
import { answerDownload } from '../archive.ts'
import { deletionTime } from '../deletion-time.ts'
import { answerFile } from '../download.ts'
import { readJson } from '../json-body.ts'
import { readMultipart } from '../multipart.ts'
import { booleanQuery, joinedQuery, singleQuery } from '../query.ts'
import type { Handlers, RequestContext } from '../route-table.ts'
import { viewRun } from '../views.ts'

/** Ports and settings of these handlers. */
interface Dependencies extends Repositories {
  readonly identity: Identity
  readonly objects: ObjectStore
  readonly scheduler: JobScheduler
  readonly workflow: RunWorkflow
  readonly logs: LogStore
  readonly report: ReportProblem
  /** Whether runs take the outputs of equal runs when their callers say nothing. */
  readonly reusesOutputs: boolean
}

const GEOJSON = '.geojson'
const JSON_PRESENTATION = { contentType: 'application/json' } as const

/** Runs (http-api 5.13, 5.14, 5.18 to 5.24). */
export function taskRunHandlers(deps: Dependencies) {
  return {
    async getRun(context) {
      const { run, task } = await findRunAndTask(deps, context.req.param('id'))
      return context.json(viewRun(run, task, deps.identity.now()))
    },

    async deleteRun(context) {
      await deleteRun(deps, context.req.param('id'), deletionTime(deps.identity))
      return context.body(null, 200)
    },

    async changeRunState(context) {
      const body = await readJson(context, 'UNKNOWN_STATE')
      const { desired, reuse } = (body ?? {}) as { readonly desired?: unknown; readonly reuse?: JsonValue }
      const isReused = reuse === undefined ? deps.reusesOutputs : requireReuse(reuse, desired)
      const { run, task } = await changeRunState(deps, context.req.param('id'), desired, isReused)
      return context.json({ status: 'success', resource: viewRun(run, task, deps.identity.now()) })
    },

    async rerun(context) {
      const isStarted = booleanQuery(context, 'start')
      const { run, task } = await rerun(deps, context.req.param('id'), isStarted)
      return context.json(viewRun(run, task, deps.identity.now()), 201)
    },

    listInputs: async (context) =>
      answerFile(context, deps, await findInputListing(deps, context.req.param('id')), JSON_PRESENTATION),

    listOutputs: (context) => answerOutputListing(context, deps, context.req.param('id')),

    downloadInputs: async (context) =>
      answerNamed(context, deps, await packInputs(deps, context.req.param('id'))),
    downloadOutputs: async (context) =>
      answerNamed(context, deps, await packOutputs(deps, context.req.param('id'))),
    downloadRejectedOutputs: async (context) =>
      answerNamed(context, deps, await packRejectedOutputs(deps, context.req.param('id'))),
    downloadCrate: async (context) =>
      answerNamed(context, deps, await packCrate(deps, context.req.param('id'))),
    downloadInputItem: (context) => answerItem(context, deps, findInputItem),
    downloadOutputItem: (context) => answerItem(context, deps, findOutputItem),
    downloadInput: (context) => answerParameterFile(context, deps, findInputFile),
    downloadOutput: (context) => answerParameterFile(context, deps, findOutputFile),

    getRunLog: (context) => answerLog(context, deps),

    async postOutputs(context) {
      const { id, secret } = context.req.param()
      await postOutputs(deps, id, secret, async () => (await readMultipart(context)).first)
      return answerFile(context, deps, await findOutputListing(deps, id), JSON_PRESENTATION)
    },
  } satisfies Partial<Handlers>
}

/** @throws DomainError REUSE_INVALID */
function requireReuse(reuse: JsonValue, desired: unknown): boolean {
  const refuse = (words: string) => new DomainError('REUSE_INVALID', undefined, { words })
  if (typeof reuse !== 'boolean') throw refuse(`${shown(reuse)} is not true or false`)
  const isStart = typeof desired === 'string' && desired.toUpperCase() === 'RUNNING'
  if (!isStart) throw refuse('it is allowed only at the start of a run, {"desired": "RUNNING"}')
  return reuse
}

/** With `after`, only the new part of the log: as text, or as JSON if `Accept` names it. */
async function answerLog(context: RequestContext<'getRunLog'>, deps: Dependencies): Promise<Response> {
  const runId = context.req.param('id')
  const after = singleQuery(context, 'after')
  if (after === undefined) return context.text(await readRunLog(deps, runId))
  const part = await followRunLog(deps, runId, after)
  context.header('vary', 'accept')
  context.header('x-log-next', part.next)
  context.header('x-log-complete', String(part.isComplete))
  return /\bapplication\/json\b/u.test(context.req.header('accept') ?? '')
    ? context.json(part)
    : context.text(part.text)
}

/**
 * `Accept` header of the call whose response core parses into records. For the same listing as text core sends a longer header (contract
 * http-api 2.2).
 */
const TYPED_ACCEPT = 'application/json,application/*+json'

async function answerOutputListing(context: Context, deps: Dependencies, runId: string): Promise<Response> {
  // Gateways change letter case and spaces, and may join two headers.
  const accept = context.req.header('accept')?.replace(/\s/gu, '').toLowerCase()
  const listing = await findOutputListing(deps, runId, accept === TYPED_ACCEPT)
  context.header('vary', 'accept')
  return answerFile(context, deps, listing, JSON_PRESENTATION)
}

/** The suffix `.geojson` requests a geometry under its media type, or the companion of an image or file. */
async function answerParameterFile(
  context: RequestContext<'downloadInput' | 'downloadOutput'>,
  deps: Dependencies,
  find: (deps: Dependencies, runId: string, parameterName: string, asGeojson: boolean) => Promise<Download>,
): Promise<Response> {
  const asked = context.req.param('parameter')
  const geojson = asked.endsWith(GEOJSON)
  const name = geojson ? asked.slice(0, -GEOJSON.length) : asked
  const found = await find(deps, context.req.param('id'), name, geojson)
  return answerNamed(context, deps, found, geojson ? 'application/geo+json' : BYTES_TYPE)
}

async function answerItem(
  context: RequestContext<'downloadInputItem' | 'downloadOutputItem'>,
  deps: Dependencies,
  find: (
    deps: Dependencies,
    runId: string,
    parameterName: string,
    indexes: string | undefined,
  ) => Promise<Download>,
): Promise<Response> {
  const name = context.req.param('parameter')
  return answerNamed(
    context,
    deps,
    await find(deps, context.req.param('id'), name, joinedQuery(context, 'value')),
  )
}

type RunContext = RequestContext<'downloadInputs'>

/** Answers with an attachment that has the name of the download. */
function answerNamed(
  context: RunContext,
  deps: Dependencies,
  download: Download,
  contentType = BYTES_TYPE,
): Promise<Response> {
  const presentation = { runId: context.req.param('id'), contentType, fileName: download.name }
  return answerDownload(context, deps, download, presentation)
}
