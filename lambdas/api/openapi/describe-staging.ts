import * as z from 'zod'
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
  body,
  type Descriptions,
  JSON_TYPE,
  parameter,
  RUN_UNKNOWN,
  refuses,
} from './description.ts'

const secret = parameter('header', RUN_SECRET_HEADER, 'Secret of the run.')

const refusals = refuses({
  400: 'The secret is wrong, or the body cannot be read.',
  403: 'The run is not active.',
  404: RUN_UNKNOWN,
})

const partRefusals = refuses({
  400: 'The secret is wrong, the body cannot be read, the task has no such output, or parts are missing.',
  403: 'The run is not active.',
  404: RUN_UNKNOWN,
})

/** Operations of the stager. */
export const STAGING_DESCRIPTIONS = {
  stageInputs: {
    summary: 'Returns the content of the input folder',
    parameters: [secret],
    responses: {
      ...answersJson(
        component('StagedInputs', stagedInputsSchema),
        'Small files inline, others by presigned URL.',
      ),
      ...refusals,
    },
  },
  stageOutputs: {
    summary: 'Returns upload URLs for output files of the task',
    parameters: [secret],
    requestBody: body({ [JSON_TYPE]: component('OutputEntries', outputEntriesSchema) }),
    responses: {
      ...answersJson(
        component('StagedOutputs', stagedOutputsSchema),
        'Presigned URLs for the declared outputs.',
      ),
      ...refusals,
    },
  },
  beginOutputParts: {
    summary: 'Starts the multipart upload of a large output',
    parameters: [secret],
    requestBody: body({ [JSON_TYPE]: component('BeginOutputParts', beginPartsSchema) }),
    responses: {
      ...answersJson(
        component('BegunOutputParts', begunPartsSchema),
        'Id of the multipart upload, for the calls about its parts.',
      ),
      ...partRefusals,
    },
  },
  signOutputParts: {
    summary: 'Returns upload URLs for parts of a large output',
    parameters: [secret],
    requestBody: body({ [JSON_TYPE]: component('OutputPartUrls', partUrlsSchema) }),
    responses: {
      ...answersJson(component('SignedOutputParts', signedPartsSchema), 'Presigned URLs in order.'),
      ...partRefusals,
    },
  },
  completeOutputParts: {
    summary: 'Completes a large output from its parts',
    parameters: [secret],
    requestBody: body({ [JSON_TYPE]: component('CompleteOutputParts', completePartsSchema) }),
    responses: {
      ...answersJson(component('CompletedOutputParts', completedPartsSchema), 'The output is complete.'),
      ...partRefusals,
    },
  },
  reportStage: {
    summary: 'Reports the duration of file transfers',
    parameters: [secret],
    requestBody: body({ [JSON_TYPE]: component('StageReport', stageReportSchema) }),
    responses: { ...answersJson(z.strictObject({}), 'The report was recorded.'), ...refusals },
  },
} satisfies Partial<Descriptions>
