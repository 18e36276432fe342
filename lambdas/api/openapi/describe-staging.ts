import { z } from 'zod'
import {
  beginPartsSchema,
  begunPartsSchema,
  completedPartsSchema,
  completePartsSchema,
  outputEntriesSchema,
  partUrlsSchema,
  RUN_SECRET_HEADER,
  signedPartsSchema,
  stagedInputsSchema,
  stagedOutputsSchema,
  stageReportSchema,
} from '../../../src/contract/staging.ts'
import { component } from './components.ts'
import {
  answersJson,
  JSON_TYPE,
  type RequestParameter,
  type RouteDescriptions,
  RUN_UNKNOWN,
  refuses,
} from './route-description.ts'

const secret: RequestParameter = {
  in: 'header',
  name: RUN_SECRET_HEADER,
  description: 'Secret of the run.',
  schema: z.string(),
}

const refusals = refuses({
  400: 'The secret is wrong, or the body cannot be read.',
  403: 'The run is not under way.',
  404: RUN_UNKNOWN,
})

const partRefusals = refuses({
  400: 'The secret is wrong, the body cannot be read, the task has no such output, or parts are missing.',
  403: 'The run is not under way.',
  404: RUN_UNKNOWN,
})

/** What the stager and the API say to each other. */
export const STAGING_DESCRIPTIONS: RouteDescriptions = {
  'GET /task-runs/{id}/staging/inputs': {
    tag: 'stager',
    operationId: 'stageInputs',
    summary: 'Tells what belongs into the input folder',
    parameters: [secret],
    answers: {
      ...answersJson(
        component('StagedInputs', stagedInputsSchema),
        'Small files as they are, others by presigned URL.',
      ),
      ...refusals,
    },
  },
  'POST /task-runs/{id}/staging/outputs': {
    tag: 'stager',
    operationId: 'stageOutputs',
    summary: 'Tells where what the task left behind is to be put',
    parameters: [secret],
    body: { [JSON_TYPE]: component('OutputEntries', outputEntriesSchema, 'input') },
    answers: {
      ...answersJson(component('StagedOutputs', stagedOutputsSchema), 'Presigned URLs of what is taken.'),
      ...refusals,
    },
  },
  'POST /task-runs/{id}/staging/parts': {
    tag: 'stager',
    operationId: 'beginOutputParts',
    summary: 'Begins a large output, which is sent in parts',
    parameters: [secret],
    body: { [JSON_TYPE]: component('BeginOutputParts', beginPartsSchema, 'input') },
    answers: {
      ...answersJson(component('BegunOutputParts', begunPartsSchema), 'Names the parts in further calls.'),
      ...partRefusals,
    },
  },
  'POST /task-runs/{id}/staging/parts/urls': {
    tag: 'stager',
    operationId: 'signOutputParts',
    summary: 'Tells where parts of a large output are to be put',
    parameters: [secret],
    body: { [JSON_TYPE]: component('OutputPartUrls', partUrlsSchema, 'input') },
    answers: {
      ...answersJson(component('SignedOutputParts', signedPartsSchema), 'Presigned URLs in order.'),
      ...partRefusals,
    },
  },
  'POST /task-runs/{id}/staging/parts/complete': {
    tag: 'stager',
    operationId: 'completeOutputParts',
    summary: 'Makes a large output of its parts',
    parameters: [secret],
    body: { [JSON_TYPE]: component('CompleteOutputParts', completePartsSchema, 'input') },
    answers: {
      ...answersJson(component('CompletedOutputParts', completedPartsSchema), 'The output is whole.'),
      ...partRefusals,
    },
  },
  'POST /task-runs/{id}/staging/report': {
    tag: 'stager',
    operationId: 'reportStage',
    summary: 'Tells how long moving files took',
    parameters: [secret],
    body: { [JSON_TYPE]: component('StageReport', stageReportSchema, 'input') },
    answers: { ...answersJson(z.strictObject({}), 'Taken down.'), ...refusals },
  },
}
