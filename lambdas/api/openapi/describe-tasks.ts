import * as z from 'zod'
import { upload, uploadReference } from './describe-uploads.ts'
import {
  answersFile,
  answersJson,
  answersNothing,
  BYTES_TYPE,
  JSON_TYPE,
  MULTIPART_TYPE,
  prefer,
  type RouteDescription,
  type RouteDescriptions,
  refuses,
  TASK_UNKNOWN,
} from './route-description.ts'
import { newRun } from './run-schemas.ts'
import { importedTask, taskDescription, taskInput, taskOutput } from './task-schemas.ts'

const BY_NAME = '/tasks/{namespace}/{version}'

const taskKnown = refuses({ 404: TASK_UNKNOWN })

const IMPORT_FAILED =
  'The image could not be pushed, the service failed, or the import of a multipart body goes on beyond the patience of the ' +
  'gateway; in the last case the list of tasks shows the task when it is through.'

function importGoesOn(advice: string): RouteDescription['answers'] {
  return {
    202: {
      description: `The import goes on beyond the patience of the gateway: ${advice}`,
      content: { [JSON_TYPE]: upload },
    },
  }
}

/** One operation that is offered by id and by namespace and version. */
function both(method: string, rest: string, described: Omit<RouteDescription, 'tag'>): RouteDescriptions {
  const describe = (suffix: string): RouteDescription => ({
    ...described,
    tag: 'tasks',
    operationId: `${described.operationId}${suffix}`,
    answers: { ...described.answers, ...taskKnown },
  })
  return {
    [`${method} /tasks/{id}${rest}`]: describe('ById'),
    [`${method} ${BY_NAME}${rest}`]: describe('ByName'),
  }
}

/** http-api 5.2 to 5.11 */
export const TASK_DESCRIPTIONS: RouteDescriptions = {
  'GET /tasks': {
    tag: 'tasks',
    operationId: 'listTasks',
    summary: 'Lists all tasks',
    answers: answersJson(z.array(taskDescription), 'All tasks, in the order of their upload.'),
  },
  'POST /tasks': {
    tag: 'tasks',
    operationId: 'uploadTask',
    summary: 'Installs a task from a bundle',
    description:
      'Answers when the image is in the registry and the task can be run. A bundle that came as an upload may take longer than a ' +
      'call can: then the call is to be repeated.',
    parameters: [
      prefer('respond-async', 'answers 202 when the import goes on beyond the patience of the gateway.'),
    ],
    body: {
      [JSON_TYPE]: uploadReference,
      [MULTIPART_TYPE]: z
        .object({ task: z.file().describe('A zip with the descriptor and the image.') })
        .describe('The first part counts, whatever its name; further ones are ignored.'),
    },
    answers: {
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
  [`POST ${BY_NAME}/install`]: {
    tag: 'tasks',
    operationId: 'installTask',
    summary: 'Installs a task from the default store',
    description: 'A body is ignored.',
    answers: {
      ...answersJson(importedTask, 'The installed task.'),
      ...importGoesOn('the upload shows when the task is there.'),
      ...refuses({
        400: 'There is no default store, it has no such bundle, or the bundle is refused.',
        409: 'A task with this namespace and version exists.',
        500: 'The image could not be pushed, or the service failed.',
      }),
    },
  },
  ...both('GET', '', {
    operationId: 'getTask',
    summary: 'Describes a task',
    answers: answersJson(taskDescription, 'The task.'),
  }),
  [`DELETE ${BY_NAME}`]: {
    tag: 'tasks',
    operationId: 'deleteTask',
    summary: 'Deletes a task with its runs and its image',
    answers: { ...answersNothing('The task is gone.'), ...taskKnown },
  },
  ...both('GET', '/inputs', {
    operationId: 'listTaskInputs',
    summary: 'Lists the inputs of a task',
    answers: answersJson(z.array(taskInput), "The inputs in the descriptor's order."),
  }),
  ...both('GET', '/outputs', {
    operationId: 'listTaskOutputs',
    summary: 'Lists the outputs of a task',
    answers: answersJson(z.array(taskOutput), "The outputs in the descriptor's order."),
  }),
  ...both('GET', '/descriptor.yml', {
    operationId: 'downloadTaskDescriptor',
    summary: 'Downloads the descriptor as it was uploaded',
    answers: answersFile('The YAML file, unchanged.', BYTES_TYPE),
  }),
  [`GET ${BY_NAME}/logo`]: {
    tag: 'tasks',
    operationId: 'downloadTaskLogo',
    summary: 'Downloads the logo of a task',
    answers: {
      ...answersFile('A PNG image.', BYTES_TYPE),
      ...refuses({ 404: 'No such task, or it has no logo.' }),
    },
  },
  ...both('POST', '/runs', {
    operationId: 'createRun',
    summary: 'Makes a run of a task',
    description: 'A body is ignored.',
    answers: answersJson(newRun, 'A run without inputs.'),
  }),
  [`GET ${BY_NAME}/runs`]: {
    tag: 'tasks',
    operationId: 'listTaskRuns',
    summary: 'Lists the runs of a task',
    answers: { ...answersJson(z.array(newRun), 'The runs with their present states.'), ...taskKnown },
  },
}
