import * as z from 'zod'
import { provisionSchema } from '../routes/provisions.ts'
import { component } from './components.ts'
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
import { uploadReference } from './upload-schemas.ts'

/** Any JSON: the type depends on the parameter, and the document describes no particular task. */
const anyValue = z
  .unknown()
  .optional()
  .describe("A value of the parameter's type; null clears an optional input.")

const value = component(
  'InputValue',
  provisionSchema
    .extend({ value: anyValue })
    .describe(
      'Unknown keys are ignored; the path names the parameter, and a body that names another parameter is refused.',
    ),
)

const namedValue = component(
  'NamedInputValue',
  provisionSchema.required({ parameterName: true }).extend({ value: anyValue }),
)

const file = z
  .object({
    file: z.file().describe('The value.'),
    location: z.file().optional().describe('GeoJSON companion: the geometry that an image was cut out of.'),
  })
  .describe(
    'The first part is the value, the second its companion, whatever their names; further parts are ignored.',
  )

const uploadedValue = component(
  'UploadedValue',
  uploadReference
    .extend({
      companionUploadId: uuid.nullish().describe('Upload with the GeoJSON companion of an image or a file.'),
    })
    .describe(
      'The upload contains the image or file; for any other type, a JSON document in place of the body.',
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

const FROZEN = 'The run was started, so its inputs can no longer change.'
const UPLOAD_UNFIT = 'The upload is incomplete, or its purpose is not `input`.'
const UNKNOWN = `${RUN_UNKNOWN} Or the task has no such input, or there is no such upload.`
/** Avoids a response of 30 MB for an array of 100 000 values. */
const MINIMAL = prefer('return=minimal', 'returns 204 without the stored value.')
const STORED_SILENTLY = { 204: { description: 'Stored; the client prefers a minimal response.' } }
const refusesValue = refuses({
  400: 'The body cannot be read, or the value is invalid for the type of the parameter.',
  403: FROZEN,
  404: UNKNOWN,
  409: UPLOAD_UNFIT,
})
const refusesItem = refuses({
  400: 'The index path is malformed or too large, the parameter is not an array, or the value is invalid for its type.',
  403: FROZEN,
  404: UNKNOWN,
  409: UPLOAD_UNFIT,
})

/** http-api 5.15 to 5.17 */
export const PROVISION_DESCRIPTIONS = {
  provisionInputs: {
    summary: 'Sets the values of several inputs, all or none',
    parameters: [MINIMAL],
    requestBody: body({ [JSON_TYPE]: z.union([z.array(namedValue), uploadReference]) }),
    responses: {
      ...STORED_SILENTLY,
      ...answersJson(z.array(provision), 'The stored values, in the order of the request.'),
      ...refuses({
        400: 'The body cannot be read, or values are invalid: `details` has one error for each.',
        403: FROZEN,
        404: `${RUN_UNKNOWN} Or there is no such upload.`,
        409: UPLOAD_UNFIT,
      }),
    },
  },
  provisionInput: {
    summary: 'Sets the value of an input, as JSON or as a file',
    parameters: [MINIMAL],
    requestBody: body(asAnything),
    responses: { ...STORED_SILENTLY, ...answersJson(provision, 'The stored value.'), ...refusesValue },
  },
  provisionInputFile: {
    summary: 'Sets the value of an image or file input',
    parameters: [MINIMAL],
    requestBody: body(asFile),
    responses: { ...STORED_SILENTLY, ...answersJson(provision, 'The stored value.'), ...refusesValue },
  },
  provisionInputItem: {
    summary: 'Sets the value of an item of an array, as JSON or as a file',
    parameters: [INDEX_PATH, MINIMAL],
    requestBody: body(asAnything),
    responses: { ...STORED_SILENTLY, ...answersJson(itemProvision, 'The stored value.'), ...refusesItem },
  },
  provisionInputItemFile: {
    summary: 'Sets the value of an item of an array of images or files',
    parameters: [INDEX_PATH, MINIMAL],
    requestBody: body(asFile),
    responses: { ...STORED_SILENTLY, ...answersJson(itemProvision, 'The stored value.'), ...refusesItem },
  },
} satisfies Partial<Descriptions>
