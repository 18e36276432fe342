import { answersJson, answersNothing, body, type Descriptions, JSON_TYPE, refuses } from './description.ts'
import { newUpload, partRange, signedParts, upload, uploadParts } from './upload-schemas.ts'

const uploadKnown = refuses({ 404: 'No such upload, or the id is not a UUID.' })
const IMPORTED = 'The upload is being imported.'

/** An extension of the contract: files of any size, in parts. */
export const UPLOAD_DESCRIPTIONS = {
  createUpload: {
    summary: 'Creates the upload of a bundle or of an input file',
    description:
      'Its parts are sent to presigned URLs, in parallel and in any order. The response lists the parts that have arrived, so that an ' +
      'interrupted client can resume. Unfinished uploads keep their parts for one day; complete uploads are kept for seven. ' +
      'A client may name the layers of the image first: a bundle may lack those that the registry has. If such a layer is removed ' +
      'before the import, the import fails with `APPE-upload-layer-gone`; create a new upload then.',
    requestBody: body({ [JSON_TYPE]: newUpload }),
    responses: {
      ...answersJson(upload, 'The new upload.'),
      ...refuses({ 400: 'A field is missing or invalid.' }),
    },
  },
  getUpload: {
    summary: 'Returns an upload and the progress of its import',
    responses: { ...answersJson(upload, 'The upload.'), ...uploadKnown },
  },
  abortUpload: {
    summary: 'Deletes an upload with its parts',
    responses: {
      ...answersNothing('The upload does not exist, or was deleted.'),
      ...refuses({ 409: IMPORTED }),
    },
  },
  listUploadParts: {
    summary: 'Lists the parts that have arrived',
    responses: {
      ...answersJson(uploadParts, 'By ascending number; empty when the upload is complete.'),
      ...uploadKnown,
    },
  },
  signUploadParts: {
    summary: 'Signs URLs for parts',
    description: 'Each accepts a PUT with the bytes of its part. Request new ones when they expire.',
    requestBody: body({ [JSON_TYPE]: partRange }),
    responses: {
      ...answersJson(signedParts, 'One URL for each part of the range.'),
      ...refuses({ 400: 'The range is invalid, or too long.', 409: 'The upload is complete.' }),
      ...uploadKnown,
    },
  },
  completeUpload: {
    summary: 'Completes an upload from its parts',
    description: 'Starts the import of a bundle. The body is ignored. A repeated call returns the upload.',
    responses: {
      ...answersJson(upload, 'The complete upload.'),
      ...refuses({
        400: 'Parts are missing, too small, or have another total size than announced.',
        409: 'The parts have expired: create a new upload.',
      }),
      ...uploadKnown,
    },
  },
} satisfies Partial<Descriptions>
