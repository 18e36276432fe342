import * as z from 'zod'
import { component } from './components.ts'
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
  parameter,
  prefer,
  refuses,
  TASK_UNKNOWN,
} from './description.ts'
import { placement } from './placement-schema.ts'
import { newRun } from './run-schemas.ts'
import { scan } from './scan-schema.ts'
import { importedTask, taskDescription, taskInput, taskOutput } from './task-schemas.ts'
import { upload, uploadReference } from './upload-schemas.ts'

const bundleReference = component(
  'BundleReference',
  uploadReference.extend({
    complete: z
      .boolean()
      .optional()
      .describe('Completes the upload from its parts first. With an `Idempotency-Key`, this happens once.'),
  }),
)

const taskKnown = refuses({ 404: TASK_UNKNOWN })

const IMPORT_FAILED =
  'The image could not be pushed, the service failed, or the import of a multipart body takes longer than the time-out of the ' +
  'gateway; in the last case the list of tasks shows the task when the import has ended.'

function importGoesOn(advice: string): Description['responses'] {
  return {
    202: {
      description: `The import takes longer than the time-out of the gateway: ${advice}`,
      content: { [JSON_TYPE]: { schema: upload } },
    },
  }
}

/** Describes an operation on the task that its path names. */
function onTask(summary: string, responses: Description['responses']): Description {
  return { summary, responses: { ...responses, ...taskKnown } }
}

const getTask = onTask('Describes a task', answersJson(taskDescription, 'The task.'))
const listInputs = onTask(
  'Lists the inputs of a task',
  answersJson(z.array(taskInput), "The inputs in the descriptor's order."),
)
const listOutputs = onTask(
  'Lists the outputs of a task',
  answersJson(z.array(taskOutput), "The outputs in the descriptor's order."),
)
const downloadDescriptor = onTask(
  'Downloads the uploaded descriptor',
  answersFile('The YAML file, unchanged.', BYTES_TYPE),
)
const getPlacement: Description = {
  ...onTask(
    'Returns the queue of the runs of a task',
    answersJson(placement, 'The queue, or why there is none.'),
  ),
  description: 'The queue was chosen when the task was imported. Prices are estimates, like those of runs.',
}
const getScan: Description = {
  ...onTask('Shows known vulnerabilities in the image of a task', answersJson(scan, 'The last scan.')),
  description:
    'The last scan of the image in ECR, by ECR itself or by Amazon Inspector. `counts` has all findings, `findings` the worst of the ' +
    'first 1000. For a registry without scans, such as that of the local stack, the state is `not-offered`.',
}
const bytes = z.int().min(0).optional()
const findPlacement: Description = {
  summary: 'Returns the queue that the runs of a task would have',
  description:
    'For a task that is not imported yet: the queue that an import would choose now for the resources that its descriptor ' +
    'requests, or why there is none.',
  parameters: [
    parameter('query', 'cpus', '`resources.cpus` of the descriptor.', z.int().min(1)),
    parameter('query', 'memoryMiB', '`resources.ram`, in MiB, rounded up.', z.int().min(1)),
    parameter('query', 'gpus', '`resources.gpus` of the descriptor; default 0.', z.int().min(0).optional()),
    parameter(
      'query',
      'internet',
      '`resources.internet` of the descriptor; default false.',
      z.boolean().optional(),
    ),
    parameter(
      'query',
      'imageBytes',
      'Size of the layers as pulled. Without both sizes, the image counts as empty.',
      bytes,
    ),
    parameter('query', 'unpackedImageBytes', 'Size of the unpacked layers.', bytes),
  ],
  responses: {
    ...answersJson(placement, 'The queue, or why there is none.'),
    ...refuses({ 400: 'A value of the query is wrong or missing; the message names it.' }),
  },
}
const createRun: Description = {
  ...onTask('Creates a run of a task', answersJson(newRun, 'A run without inputs.')),
  description: 'The body is ignored.',
}

/** http-api 5.2 to 5.11 */
export const TASK_DESCRIPTIONS = {
  listTasks: {
    summary: 'Lists all tasks',
    responses: answersJson(z.array(taskDescription), 'All tasks, in the order of their upload.'),
  },
  uploadTask: {
    summary: 'Installs a task from a bundle',
    description:
      'Responds when the task is installed. The import of an upload may take longer than one ' +
      'call: repeat the call then.',
    parameters: [
      prefer('respond-async', 'returns 202 when the import takes longer than the time-out of the gateway.'),
    ],
    requestBody: body({
      [JSON_TYPE]: bundleReference,
      [MULTIPART_TYPE]: z
        .object({ task: z.file().describe('A zip with the descriptor and the image.') })
        .describe('The first part is read, whatever its name; further parts are ignored.'),
    }),
    responses: {
      ...answersJson(importedTask, 'The installed task.'),
      ...importGoesOn(
        'call again with the id of the upload. A multipart body gets this response only with `Prefer: respond-async`.',
      ),
      ...refuses({
        400: 'The body is not multipart with a file, or the bundle is invalid: `details` lists the problems of the descriptor.',
        404: 'No such upload, or its task was deleted.',
        409: 'A task with this namespace and version exists, or the upload is incomplete or not for a task.',
        500: IMPORT_FAILED,
      }),
    },
  },
  installTask: {
    summary: 'Installs a task from the default store',
    description: 'A body is ignored.',
    responses: {
      ...answersJson(importedTask, 'The installed task.'),
      ...importGoesOn('the upload shows when the task is installed.'),
      ...refuses({
        400: 'There is no default store, it has no such bundle, or the bundle is invalid.',
        409: 'A task with this namespace and version exists.',
        500: 'The image could not be pushed, or the service failed.',
      }),
    },
  },
  getTaskById: getTask,
  getTaskByName: getTask,
  deleteTask: {
    ...onTask(
      'Deletes a task with its runs and its image',
      answersNothing('The task is unknown from now on.'),
    ),
    description:
      'The task is unknown at once. If it has thousands of runs, they are deleted within minutes; until then its name is taken. ' +
      'Repeating the call continues the deletion.',
  },
  listTaskInputsById: listInputs,
  listTaskInputsByName: listInputs,
  listTaskOutputsById: listOutputs,
  listTaskOutputsByName: listOutputs,
  downloadTaskDescriptorById: downloadDescriptor,
  downloadTaskDescriptorByName: downloadDescriptor,
  downloadTaskLogo: {
    summary: 'Downloads the logo of a task',
    responses: {
      ...answersFile('A PNG image.', BYTES_TYPE),
      ...refuses({ 404: 'No such task, or it has no logo.' }),
    },
  },
  getTaskPlacementById: getPlacement,
  getTaskPlacementByName: getPlacement,
  findPlacement,
  getTaskScanById: getScan,
  getTaskScanByName: getScan,
  createRunById: createRun,
  createRunByName: createRun,
  listTaskRuns: onTask(
    'Lists the runs of a task',
    answersJson(z.array(newRun), 'The runs with their current states.'),
  ),
} satisfies Partial<Descriptions>
