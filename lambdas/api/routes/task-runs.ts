import type { Context } from 'hono'
import { findInputListing } from '../../../src/inputs/list-inputs.ts'
import { findInputFile, findInputItem, packInputs } from '../../../src/inputs/read-inputs.ts'
import { BYTES_TYPE, type Download } from '../../../src/inputs/run-files.ts'
import { changeRunState } from '../../../src/lifecycle/change-run-state.ts'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { readRunLog } from '../../../src/lifecycle/read-run-log.ts'
import { postOutputs } from '../../../src/outputs/post-outputs.ts'
import {
  findOutputFile,
  findOutputItem,
  findOutputListing,
  packOutputs,
} from '../../../src/outputs/read-outputs.ts'
import { findRunAndTask } from '../../../src/run/find-run.ts'
import { answerDownload } from '../archive.ts'
import type { ApiDependencies } from '../dependencies.ts'
import { answerFile } from '../download.ts'
import { readJson } from '../json-body.ts'
import { readMultipart } from '../multipart.ts'
import { pathVariable, type Route } from '../route.ts'
import { viewRun } from '../views.ts'

const RUN = '/task-runs/:id'
const GEOJSON = '.geojson'
const JSON_PRESENTATION = { contentType: 'application/json' } as const

/** One run: description, state actions, values, archives, log, deletion (http-api 5.13, 5.14, 5.18 to 5.24). */
export function taskRunRoutes(deps: ApiDependencies): readonly Route[] {
  const runId = (context: Context): string => pathVariable(context, 'id')
  return [
    {
      method: 'GET',
      path: RUN,
      handle: async (context) => {
        const { run, task } = await findRunAndTask(deps, runId(context))
        return context.json(viewRun(run, task, deps.identity.now()))
      },
    },
    {
      method: 'DELETE',
      path: RUN,
      handle: async (context) => {
        await deleteRun(deps, runId(context))
        return context.body(null, 200)
      },
    },
    {
      method: 'POST',
      path: `${RUN}/state-actions`,
      handle: async (context) => {
        const body = await readJson(context, 'UNKNOWN_STATE')
        const desired = (body as { readonly desired?: unknown } | null)?.desired
        const { run, task } = await changeRunState(deps, runId(context), desired)
        return context.json({ status: 'success', resource: viewRun(run, task, deps.identity.now()) })
      },
    },
    {
      method: 'GET',
      path: `${RUN}/inputs`,
      handle: async (context) =>
        answerFile(context, deps, await findInputListing(deps, runId(context)), JSON_PRESENTATION),
    },
    {
      method: 'GET',
      path: `${RUN}/outputs`,
      handle: (context) => answerOutputListing(context, deps, runId(context)),
    },
    {
      method: 'GET',
      path: `${RUN}/inputs.zip`,
      handle: async (context) => answerNamed(context, deps, await packInputs(deps, runId(context))),
    },
    {
      method: 'GET',
      path: `${RUN}/outputs.zip`,
      handle: async (context) => answerNamed(context, deps, await packOutputs(deps, runId(context))),
    },
    {
      method: 'GET',
      path: `${RUN}/input/:parameter/indexes`,
      handle: (context) => answerItem(context, deps, findInputItem),
    },
    {
      method: 'GET',
      path: `${RUN}/output/:parameter/indexes`,
      handle: (context) => answerItem(context, deps, findOutputItem),
    },
    {
      method: 'GET',
      path: `${RUN}/input/:parameter`,
      handle: (context) => answerParameterFile(context, deps, findInputFile),
    },
    {
      method: 'GET',
      path: `${RUN}/output/:parameter`,
      handle: (context) => answerParameterFile(context, deps, findOutputFile),
    },
    {
      method: 'GET',
      path: `${RUN}/logs`,
      handle: async (context) => context.text(await readRunLog(deps, runId(context))),
    },
    {
      method: 'POST',
      path: `${RUN}/:secret/outputs.zip`,
      handle: async (context) => {
        const id = runId(context)
        const archive = async (): Promise<Uint8Array> => (await readMultipart(context)).first
        await postOutputs(deps, id, pathVariable(context, 'secret'), archive)
        return answerFile(context, deps, await findOutputListing(deps, id), JSON_PRESENTATION)
      },
    },
  ]
}

/**
 * What core sends for the listing that it reads into records of its own, and for no other call; it asks for the same listing as text
 * with a longer `Accept` (contract http-api 2.2).
 */
const TYPED_ACCEPT = 'application/json,application/*+json'

async function answerOutputListing(
  context: Context,
  deps: ApiDependencies,
  runId: string,
): Promise<Response> {
  // Gateways differ in letter case and blanks, and hand two headers on as one or two.
  const accept = context.req.header('accept')?.replace(/\s/gu, '').toLowerCase()
  const listing = await findOutputListing(deps, runId, accept === TYPED_ACCEPT)
  context.header('vary', 'accept')
  return answerFile(context, deps, listing, JSON_PRESENTATION)
}

/** `.geojson` behind a name asks for a geometry under its media type, or for where an image was cut out; nothing else has it. */
async function answerParameterFile(
  context: Context,
  deps: ApiDependencies,
  find: (
    deps: ApiDependencies,
    runId: string,
    parameterName: string,
    asGeojson: boolean,
  ) => Promise<Download>,
): Promise<Response> {
  const asked = pathVariable(context, 'parameter')
  const geojson = asked.endsWith(GEOJSON)
  const name = geojson ? asked.slice(0, -GEOJSON.length) : asked
  const found = await find(deps, pathVariable(context, 'id'), name, geojson)
  return answerNamed(context, deps, found, geojson ? 'application/geo+json' : BYTES_TYPE)
}

async function answerItem(
  context: Context,
  deps: ApiDependencies,
  find: (
    deps: ApiDependencies,
    runId: string,
    parameterName: string,
    indexes: string | undefined,
  ) => Promise<Download>,
): Promise<Response> {
  const name = pathVariable(context, 'parameter')
  return answerNamed(
    context,
    deps,
    await find(deps, pathVariable(context, 'id'), name, context.req.query('value')),
  )
}

/** As a file of its name. */
function answerNamed(
  context: Context,
  deps: ApiDependencies,
  download: Download,
  contentType = BYTES_TYPE,
): Promise<Response> {
  const presentation = { contentType, fileName: download.name }
  return answerDownload(context, deps, pathVariable(context, 'id'), download, presentation)
}
