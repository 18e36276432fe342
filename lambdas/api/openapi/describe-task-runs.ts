import * as z from 'zod'
import { INDEX_PATH } from './describe-provisions.ts'
import {
  answersFile,
  answersJson,
  answersNothing,
  BYTES_TYPE,
  body,
  type Description,
  type Descriptions,
  header,
  JSON_TYPE,
  MULTIPART_TYPE,
  parameter,
  REDIRECT,
  RUN_UNKNOWN,
  refuses,
} from './description.ts'
import { desiredState, logPart, run, stateAction } from './run-schemas.ts'
import { runValue } from './run-value-schemas.ts'

const GEOJSON_TYPE = 'application/geo+json'

const NO_INPUTS_YET = 'The run is CREATED: inputs are missing.'
const NO_OUTPUTS_YET = 'The run is not FINISHED.'

const NO_FILE = 'The parameter has no value.'

const values = z.array(runValue)

/** Downloads of inputs and of outputs are alike. */
function downloads(kind: 'input' | 'output', notYet: string) {
  return {
    file: {
      summary: `Downloads the file of an ${kind}`,
      description:
        'A folder (an array, a DICOM image) is sent as a zip. With `.geojson` after the name, a geometry is sent with its media ' +
        'type, and an image or file is replaced by its GeoJSON companion.',
      responses: {
        ...answersFile('The file.', BYTES_TYPE, GEOJSON_TYPE),
        ...refuses({
          400: NO_FILE,
          404: `${RUN_UNKNOWN} Or the task has no such ${kind}, or it has no GeoJSON.`,
        }),
      },
    },
    item: {
      summary: `Downloads the file of an item of an array ${kind}`,
      description: 'A folder (an inner array, a DICOM image) is sent as a zip.',
      parameters: [INDEX_PATH],
      responses: {
        ...answersFile('The file.', BYTES_TYPE),
        ...refuses({
          400: 'The index path is malformed, the parameter is not an array, or there is no such item.',
          404: `${RUN_UNKNOWN} Or the task has no such ${kind}.`,
        }),
      },
    },
    archive: {
      summary: `Downloads the files of all ${kind}s as a zip`,
      responses: {
        ...answersFile('A zip of uncompressed entries.', BYTES_TYPE),
        ...refuses({ 403: `${notYet} Or there is no file.`, 404: RUN_UNKNOWN }),
      },
    },
  } satisfies Readonly<Record<string, Description>>
}

const ofInputs = downloads('input', NO_INPUTS_YET)
const ofOutputs = downloads('output', NO_OUTPUTS_YET)

/** http-api 5.13, 5.14 and 5.18 to 5.24 */
export const TASK_RUN_DESCRIPTIONS = {
  getRun: {
    summary: 'Describes a run',
    responses: { ...answersJson(run, 'The run.'), ...refuses({ 404: RUN_UNKNOWN }) },
  },
  deleteRun: {
    summary: 'Deletes a run with its files, and stops it if it is active',
    responses: answersNothing('The run does not exist, or was deleted.'),
  },
  changeRunState: {
    summary: 'Starts or cancels a run, or declares its inputs complete',
    requestBody: body({ [JSON_TYPE]: desiredState }),
    responses: {
      ...answersJson(stateAction, 'The run in its new state.'),
      ...refuses({
        400: 'The body cannot be read or names no state, `reuse` is not a boolean or not allowed, or arrays that must match do not.',
        403: 'The state cannot be requested, does not follow the current one, or inputs are missing.',
        404: RUN_UNKNOWN,
      }),
    },
  },
  rerun: {
    summary: 'Creates a run with the same inputs',
    description:
      'The inputs are copied, so that either run may be deleted. The new run is started only with `start`. It is CREATED if the ' +
      'first run lacks inputs. If it cannot be started, it is not created.',
    parameters: [
      parameter('query', 'start', '`true` starts the new run.', z.enum(['true', 'false']).optional()),
    ],
    responses: {
      201: { description: 'The new run.', content: { [JSON_TYPE]: { schema: run } } },
      ...refuses({
        400: '`start` is not a boolean, or arrays that must match do not.',
        403: 'The new run cannot be started, because inputs are missing.',
        404: RUN_UNKNOWN,
      }),
    },
  },
  listInputs: {
    summary: 'Lists the inputs of a run',
    responses: {
      ...answersJson(values, "The inputs that have values, in the descriptor's order."),
      ...REDIRECT,
      ...refuses({ 403: NO_INPUTS_YET, 404: RUN_UNKNOWN }),
    },
  },
  listOutputs: {
    summary: 'Lists the outputs of a run',
    description:
      'Exactly `Accept: application/json, application/*+json` requests the listing for Cytomine core, which fails ' +
      'on the whole listing when it has an unsupported value. It omits images, files, integers beyond 32 bits, and arrays of images, ' +
      'files and enumerations that have items. Any other `Accept`, or none, returns all outputs.',
    responses: {
      ...answersJson(values, "The outputs that were produced, in the descriptor's order."),
      ...REDIRECT,
      ...refuses({ 403: NO_OUTPUTS_YET, 404: RUN_UNKNOWN }),
    },
  },
  downloadInput: ofInputs.file,
  downloadInputItem: ofInputs.item,
  downloadInputs: ofInputs.archive,
  downloadOutput: ofOutputs.file,
  downloadOutputItem: ofOutputs.item,
  downloadOutputs: ofOutputs.archive,
  downloadRejectedOutputs: {
    summary: 'Downloads the rejected outputs of a failed run as a zip',
    description:
      'For the author of a task whose outputs were refused, or that exited with a code other than 0 or ran out of memory: the ' +
      'declared outputs as the task wrote them, and `rejected.json` with the error, the names in the output folder and the omitted ' +
      'files. At most 10 000 files with 512 MiB together. None of these files is an output of the run.',
    responses: {
      ...answersFile('A zip of uncompressed entries.', BYTES_TYPE),
      ...refuses({
        403: 'The run is not FAILED, or it failed before its outputs were uploaded.',
        404: RUN_UNKNOWN,
      }),
    },
  },
  downloadCrate: {
    summary: 'Downloads the provenance of the outputs of an ended run',
    description:
      'An RO-Crate 1.1 that conforms to Process Run Crate 0.5: `ro-crate-metadata.json` with the task, the digest of its image, times, ' +
      'requested resources, exit code or error; `descriptor.yml`; `inputs/` and, for a FINISHED run, `outputs/`, each file with its size ' +
      'and SHA-256. At most 10 000 files with 512 MiB together: the metadata lists omitted files, with their digests if known.',
    responses: {
      ...answersFile('A zip of uncompressed entries.', BYTES_TYPE),
      ...refuses({ 403: 'The run is neither FINISHED nor FAILED.', 404: RUN_UNKNOWN }),
    },
  },
  getRunLog: {
    summary: 'Returns the log of the task, and why it failed',
    description:
      'With `after`, a call returns only the new part, and `Accept: application/json` requests JSON. When AWS Batch starts the task again, ' +
      'the text continues with the log of the new container.',
    parameters: [
      parameter(
        'query',
        'after',
        '`0` for the newest lines, about 1 MB; then the `X-Log-Next` of the previous response. Valid for 24 hours.',
        z.string().optional(),
      ),
    ],
    responses: {
      200: {
        description:
          'The newest part of the log, or with `after` its new part, in any state; empty when there is none.',
        headers: {
          'x-log-next': header('With `after`: offset of the next call.'),
          'x-log-complete': header('With `after`: `true` when the run has ended and nothing more will come.'),
        },
        content: { 'text/plain': { schema: z.string() }, [JSON_TYPE]: { schema: logPart } },
      },
      ...refuses({ 400: '`after` is not an offset of this log.', 404: RUN_UNKNOWN }),
    },
  },
  postOutputs: {
    summary: 'Uploads the outputs of a run as a zip',
    requestBody: body({
      [MULTIPART_TYPE]: z
        .object({ outputs: z.file().describe('A zip of the output folder.') })
        .describe('The first part is read, whatever its name; further parts are ignored.'),
    }),
    responses: {
      ...answersJson(values, 'The outputs.'),
      ...REDIRECT,
      ...refuses({
        400: 'The secret is wrong, the body is not multipart with a zip, or outputs are missing, unknown or invalid.',
        403: 'The run is not active.',
        404: RUN_UNKNOWN,
      }),
    },
  },
} satisfies Partial<Descriptions>
