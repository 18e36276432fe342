import * as z from 'zod'
import { component } from './components.ts'
import { INDEX_PATH } from './describe-provisions.ts'
import {
  answersFile,
  answersJson,
  answersNothing,
  BYTES_TYPE,
  body,
  type Description,
  type Descriptions,
  JSON_TYPE,
  MULTIPART_TYPE,
  REDIRECT,
  RUN_UNKNOWN,
  refuses,
} from './description.ts'
import { run, runValue, stateAction } from './run-schemas.ts'

const GEOJSON_TYPE = 'application/geo+json'

const NO_INPUTS_YET = 'The run is CREATED: not all of its inputs are given.'
const NO_OUTPUTS_YET = 'The run is not FINISHED.'

const NO_FILE = 'Nothing was given or produced, or not yet.'

const desiredState = component(
  'DesiredState',
  z.object({
    desired: z
      .enum(['PROVISIONED', 'RUNNING', 'CANCELLED'])
      .describe(
        'RUNNING starts the run, PROVISIONED declares its inputs complete, CANCELLED ends it as FAILED; the letter case does ' +
          'not matter.',
      ),
  }),
)

const values = z.array(runValue)

/** The same downloads exist for inputs and for outputs. */
function downloads(kind: 'input' | 'output', notYet: string) {
  return {
    file: {
      summary: `Downloads the file of an ${kind}`,
      description:
        'A folder (an array, a DICOM image) comes as a zip. With `.geojson` behind the name a geometry comes under its media ' +
        'type, and an image that was cut out as the place where; nothing else has such a name.',
      responses: {
        ...answersFile('The file.', BYTES_TYPE, GEOJSON_TYPE),
        ...refuses({
          400: NO_FILE,
          404: `${RUN_UNKNOWN} Or the task has no such ${kind}, or with \`.geojson\` it is no geometry and has none.`,
        }),
      },
    },
    item: {
      summary: `Downloads the file of an item of an array ${kind}`,
      description: 'A folder (an inner array, a DICOM image) comes as a zip.',
      parameters: [INDEX_PATH],
      responses: {
        ...answersFile('The file.', BYTES_TYPE),
        ...refuses({
          400: 'The index path is malformed, the parameter is no array, or there is no such item.',
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
    summary: 'Deletes a run with its files, and ends it where it still runs',
    responses: answersNothing('There is no such run, or no longer.'),
  },
  changeRunState: {
    summary: 'Starts or cancels a run, or declares its inputs complete',
    requestBody: body({ [JSON_TYPE]: desiredState }),
    responses: {
      ...answersJson(stateAction, 'The run in its new state.'),
      ...refuses({
        400: 'The body cannot be read, names no state, or arrays that must agree do not.',
        403: 'The state cannot be asked for, does not follow the present one, or inputs are missing.',
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
      'Exactly `Accept: application/json, application/*+json` asks for the listing that Cytomine core reads into records, which fails ' +
      'as a whole on what it does not know. That listing leaves out images, files, integers beyond 32 bits, and arrays of images, ' +
      'files and enumerations that have items. Any other `Accept`, or none, gets everything.',
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
    summary: 'Downloads what a failed run handed over as a zip',
    description:
      'For the author of the task: the declared outputs as the task wrote them, and `rejected.json` with the error, the names in the ' +
      'output folder and what is left out. At most 10 000 files with 512 MiB together. None of it is an output of the run.',
    responses: {
      ...answersFile('A zip of uncompressed entries.', BYTES_TYPE),
      ...refuses({
        403: 'The run is not FAILED, or it failed before its outputs were taken.',
        404: RUN_UNKNOWN,
      }),
    },
  },
  getRunLog: {
    summary: 'Shows what the task printed, and why it failed',
    responses: {
      200: {
        description: 'The newest part of the log in any state; empty while there is none.',
        content: { 'text/plain': { schema: z.string() } },
      },
      ...refuses({ 404: RUN_UNKNOWN }),
    },
  },
  postOutputs: {
    summary: 'Hands over the outputs of a run as a zip',
    requestBody: body({
      [MULTIPART_TYPE]: z
        .object({ outputs: z.file().describe('A zip of the output folder.') })
        .describe('The first part counts, whatever its name; further ones are ignored.'),
    }),
    responses: {
      ...answersJson(values, 'The outputs.'),
      ...REDIRECT,
      ...refuses({
        400: 'The secret is wrong, the body is no multipart with a zip, or outputs are missing, unknown or invalid.',
        403: 'The run is not under way.',
        404: RUN_UNKNOWN,
      }),
    },
  },
} satisfies Partial<Descriptions>
