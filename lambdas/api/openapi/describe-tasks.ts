import * as z from 'zod'
import { upload, uploadReference } from './describe-uploads.ts'
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
  prefer,
  refuses,
  TASK_UNKNOWN,
} from './description.ts'
import { newRun } from './run-schemas.ts'
import { importedTask, taskDescription, taskInput, taskOutput } from './task-schemas.ts'

const taskKnown = refuses({ 404: TASK_UNKNOWN })

const IMPORT_FAILED =
  'The image could not be pushed, the service failed, or the import of a multipart body goes on beyond the patience of the ' +
  'gateway; in the last case the list of tasks shows the task when it is through.'

function importGoesOn(advice: string): Description['responses'] {
  return {
    202: {
      description: `The import goes on beyond the patience of the gateway: ${advice}`,
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
  'Downloads the descriptor as it was uploaded',
  answersFile('The YAML file, unchanged.', BYTES_TYPE),
)
const createRun: Description = {
  ...onTask('Makes a run of a task', answersJson(newRun, 'A run without inputs.')),
  description: 'A body is ignored.',
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
      'Answers when the image is in the registry and the task can be run. A bundle that came as an upload may take longer than a ' +
      'call can: then the call is to be repeated.',
    parameters: [
      prefer('respond-async', 'answers 202 when the import goes on beyond the patience of the gateway.'),
    ],
    requestBody: body({
      [JSON_TYPE]: uploadReference,
      [MULTIPART_TYPE]: z
        .object({ task: z.file().describe('A zip with the descriptor and the image.') })
        .describe('The first part counts, whatever its name; further ones are ignored.'),
    }),
    responses: {
      ...answersJson(importedTask, 'The installed task.'),
      ...importGoesOn(
        'call again with the id of the upload. A multipart body gets this answer with `Prefer: respond-async` only.',
      ),
      ...refuses({
        400: 'No multipart body with a file, or a bundle that is refused: `details` list what is wrong with the descriptor.',
        404: 'No such upload, or the task that it had become was deleted.',
        409: 'A task with this namespace and version exists, or the upload is not complete or not for a task.',
        500: IMPORT_FAILED,
      }),
    },
  },
  installTask: {
    summary: 'Installs a task from the default store',
    description: 'A body is ignored.',
    responses: {
      ...answersJson(importedTask, 'The installed task.'),
      ...importGoesOn('the upload shows when the task is there.'),
      ...refuses({
        400: 'There is no default store, it has no such bundle, or the bundle is refused.',
        409: 'A task with this namespace and version exists.',
        500: 'The image could not be pushed, or the service failed.',
      }),
    },
  },
  getTaskById: getTask,
  getTaskByName: getTask,
  deleteTask: onTask('Deletes a task with its runs and its image', answersNothing('The task is gone.')),
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
  createRunById: createRun,
  createRunByName: createRun,
  listTaskRuns: onTask(
    'Lists the runs of a task',
    answersJson(z.array(newRun), 'The runs with their present states.'),
  ),
} satisfies Partial<Descriptions>
