import * as z from 'zod'
import { provisionSchema } from '../routes/provisions.ts'
import { component } from './components.ts'
import { uploadReference } from './describe-uploads.ts'
import {
  answersJson,
  body,
  type Content,
  type Descriptions,
  JSON_TYPE,
  MULTIPART_TYPE,
  parameter,
  prefer,
  RUN_UNKNOWN,
  refuses,
} from './description.ts'
import { itemProvision, provision } from './run-schemas.ts'
import { uuid } from './shared-schemas.ts'

/** Any JSON: the type depends on the parameter, and the document describes no task. */
const anyValue = z
  .unknown()
  .optional()
  .describe("As the parameter's type demands; null takes an optional input's value away.")

const value = component(
  'InputValue',
  provisionSchema
    .extend({ value: anyValue })
    .describe(
      'Unknown keys are ignored; the path names the parameter, and a body that names another is refused.',
    ),
)

const namedValue = component(
  'NamedInputValue',
  provisionSchema.required({ parameterName: true }).extend({ value: anyValue }),
)

const file = z
  .object({
    file: z.file().describe('The value.'),
    location: z.file().optional().describe('Where an image was cut out, as GeoJSON; stored beside it.'),
  })
  .describe(
    'The first part is the value, the second its companion, whatever their names; further ones are ignored.',
  )

const uploadedValue = component(
  'UploadedValue',
  uploadReference
    .extend({
      companionUploadId: uuid.nullish().describe('Lies beside an image or a file as its companion.'),
    })
    .describe(
      'The upload is the image or file; for any other type it is the JSON document that would be the body.',
    ),
)

const asFile: Content = { [JSON_TYPE]: uploadedValue, [MULTIPART_TYPE]: file }
const asAnything: Content = { ...asFile, [JSON_TYPE]: z.union([value, uploadedValue]) }

/** http-api 5.17 */
export const INDEX_PATH = parameter(
  'query',
  'value',
  'Index path of the item, outermost first: `3`, or `2/0` in an array of arrays.',
  z.string().regex(/^(0(\/[0-9]+)*|[1-9][0-9]*(\/[0-9]+)*)$/u),
)

const FROZEN = 'The run has been started: its inputs cannot change any more.'
const UPLOAD_UNFIT = 'The upload is not complete, or not for an input.'
const UNKNOWN = `${RUN_UNKNOWN} Or the task has no such input, or there is no such upload.`
/** Saves the client an answer of 30 MB for an array of 100 000 values. */
const MINIMAL = prefer('return=minimal', 'answers 204 without what was stored.')
const STORED_SILENTLY = { 204: { description: 'Stored; the client asked for no more.' } }
const refusesValue = refuses({
  400: 'The body cannot be read, or the type of the parameter refuses the value.',
  403: FROZEN,
  404: UNKNOWN,
  409: UPLOAD_UNFIT,
})
const refusesItem = refuses({
  400: 'The index path is malformed or too large, the parameter is no array, or its type refuses the value.',
  403: FROZEN,
  404: UNKNOWN,
  409: UPLOAD_UNFIT,
})

/** http-api 5.15 to 5.17 */
export const PROVISION_DESCRIPTIONS = {
  provisionInputs: {
    summary: 'Gives several inputs their values, or none of them',
    parameters: [MINIMAL],
    requestBody: body({ [JSON_TYPE]: z.union([z.array(namedValue), uploadReference]) }),
    responses: {
      ...STORED_SILENTLY,
      ...answersJson(z.array(provision), 'What was stored, in the order of the request.'),
      ...refuses({
        400: 'The body cannot be read, or values were refused: `details` have one error for each.',
        403: FROZEN,
        404: `${RUN_UNKNOWN} Or no such upload.`,
        409: UPLOAD_UNFIT,
      }),
    },
  },
  provisionInput: {
    summary: 'Gives an input its value, as JSON or as a file',
    parameters: [MINIMAL],
    requestBody: body(asAnything),
    responses: { ...STORED_SILENTLY, ...answersJson(provision, 'What was stored.'), ...refusesValue },
  },
  provisionInputFile: {
    summary: 'Gives an image or file input its value',
    parameters: [MINIMAL],
    requestBody: body(asFile),
    responses: { ...STORED_SILENTLY, ...answersJson(provision, 'What was stored.'), ...refusesValue },
  },
  provisionInputItem: {
    summary: 'Gives an item of an array its value, as JSON or as a file',
    parameters: [INDEX_PATH, MINIMAL],
    requestBody: body(asAnything),
    responses: { ...STORED_SILENTLY, ...answersJson(itemProvision, 'What was stored.'), ...refusesItem },
  },
  provisionInputItemFile: {
    summary: 'Gives an item of an array of images or files its value',
    parameters: [INDEX_PATH, MINIMAL],
    requestBody: body(asFile),
    responses: { ...STORED_SILENTLY, ...answersJson(itemProvision, 'What was stored.'), ...refusesItem },
  },
} satisfies Partial<Descriptions>
