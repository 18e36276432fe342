import type { Context } from 'hono'
import { runInputsPrefix, runOutputsRoot } from '../../../src/domain/storage-keys.ts'
import type { ArchiveEntry } from '../../../src/formats/zip/stored-zip.ts'
import { changeRunState } from '../../../src/use-cases/change-run-state.ts'
import { deleteRun } from '../../../src/use-cases/delete-run.ts'
import { findRunAndTask } from '../../../src/use-cases/find-run.ts'
import { postOutputs } from '../../../src/use-cases/post-outputs.ts'
import { readRunLog } from '../../../src/use-cases/read-run-log.ts'
import {
  findInputFile,
  findInputItem,
  findOutputFile,
  findOutputItem,
  findOutputListing,
  listInputEntries,
  listInputs,
  listOutputEntries,
  type StoredFile,
} from '../../../src/use-cases/read-run-values.ts'
import { answerArchive, answerEntry } from '../archive.ts'
import type { ApiDependencies } from '../dependencies.ts'
import { answerFile } from '../download.ts'
import { readJson } from '../json-body.ts'
import { readMultipart } from '../multipart.ts'
import { pathVariable, type Route } from '../route.ts'
import { viewRun } from '../views.ts'

const RUN = '/task-runs/:id'
const GEOJSON = '.geojson'

/** One run: description, state actions, values, archives, log, deletion (http-api 5.13, 5.14, 5.18 to 5.24). */
export function taskRunRoutes(deps: ApiDependencies): readonly Route[] {
  const runId = (context: Context): string => pathVariable(context, 'id')
  return [
    {
      method: 'GET',
      path: RUN,
      handle: async (context) => {
        const { run, task } = await findRunAndTask(deps, runId(context))
        return context.json(viewRun(run, task))
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
        return context.json({ status: 'success', resource: viewRun(run, task) })
      },
    },
    {
      method: 'GET',
      path: `${RUN}/inputs`,
      handle: async (context) => context.json(await listInputs(deps, runId(context))),
    },
    {
      method: 'GET',
      path: `${RUN}/outputs`,
      handle: async (context) =>
        answerFile(context, deps, await findOutputListing(deps, runId(context)), {
          contentType: 'application/json',
        }),
    },
    {
      method: 'GET',
      path: `${RUN}/inputs.zip`,
      handle: async (context) => {
        const id = runId(context)
        const archive = { fileName: `inputs-${id}.zip`, key: `${runInputsPrefix(id)}inputs.zip` }
        return answerArchive(context, deps, await listInputEntries(deps, id), archive)
      },
    },
    {
      method: 'GET',
      path: `${RUN}/outputs.zip`,
      handle: async (context) => {
        const id = runId(context)
        const archive = { fileName: `outputs-${id}.zip`, key: `${runOutputsRoot(id)}outputs.zip` }
        return answerArchive(context, deps, await listOutputEntries(deps, id), archive)
      },
    },
    {
      method: 'GET',
      path: `${RUN}/input/:parameter/indexes`,
      handle: async (context) => {
        const name = pathVariable(context, 'parameter')
        const indexes = context.req.query('value')
        const entries = await findInputItem(deps, runId(context), name, indexes)
        return answerEntries(context, deps, entries, `${name}/${indexes}`, indexes)
      },
    },
    {
      method: 'GET',
      path: `${RUN}/output/:parameter/indexes`,
      handle: async (context) => {
        const indexes = context.req.query('value')
        const name = pathVariable(context, 'parameter')
        const entries = await findOutputItem(deps, runId(context), name, indexes)
        return answerEntries(context, deps, entries, indexes?.split('/').at(-1) ?? name, indexes)
      },
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
        return answerFile(context, deps, await findOutputListing(deps, id), {
          contentType: 'application/json',
        })
      },
    },
  ]
}

/** `.geojson` behind a name asks for a geometry under its media type, or for where an image was cut out. */
async function answerParameterFile(
  context: Context,
  deps: ApiDependencies,
  find: (
    deps: ApiDependencies,
    runId: string,
    parameterName: string,
    asGeojson: boolean,
  ) => Promise<StoredFile | readonly ArchiveEntry[]>,
): Promise<Response> {
  const asked = pathVariable(context, 'parameter')
  const geojson = asked.endsWith(GEOJSON)
  const name = geojson ? asked.slice(0, -GEOJSON.length) : asked
  const found = await find(deps, pathVariable(context, 'id'), name, geojson)
  if (isEntries(found)) return answerEntries(context, deps, found, name)
  return answerFile(context, deps, found, {
    contentType: geojson ? 'application/geo+json' : 'application/octet-stream',
    fileName: found.name,
  })
}

function isEntries(found: StoredFile | readonly ArchiveEntry[]): found is readonly ArchiveEntry[] {
  return Array.isArray(found)
}

/** A single file as it is, a folder as a zip. */
async function answerEntries(
  context: Context,
  deps: ApiDependencies,
  entries: readonly ArchiveEntry[],
  fileName: string,
  itemPath?: string,
): Promise<Response> {
  const [only, ...others] = entries
  if (only !== undefined && others.length === 0 && only.name === itemPath) {
    return answerEntry(context, deps, only, fileName, temporaryKey(context, fileName))
  }
  return answerArchive(context, deps, entries, { fileName, key: temporaryKey(context, fileName) })
}

/** Made anew for each download, and gone with the run. */
function temporaryKey(context: Context, fileName: string): string {
  return `${runInputsPrefix(pathVariable(context, 'id'))}downloads/${fileName}`
}
