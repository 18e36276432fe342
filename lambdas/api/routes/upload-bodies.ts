import * as z from 'zod'
import { MAX_NAMED_LAYERS, MAX_PARTS, MAX_UPLOAD_BYTES } from '../../../src/contract/upload-limits.ts'

/* Bodies of requests about uploads. */

/** Maximum number of URLs in one response: 100 take about 200 KB. */
const MAX_SIGNED_PARTS = 100

const SIZE_WORDS = `it must be a whole number of bytes from 1 to ${MAX_UPLOAD_BYTES}`
const DIGEST_WORDS = 'it must be "sha256:" and 64 lower-case hexadecimal digits'
const LAYER_SIZE_WORDS = 'it must be a whole number of bytes, at least 0'
const BODY_WORDS = 'it must be an object such as {"purpose": "task"}'
const NAME_WORDS = 'it must be a text of at most 1024 characters'
const LAYERS_WORDS = 'it must be a list such as [{"digest": "sha256:…", "size": 1024}]'
const TYPE_WORDS = 'it must be a media type'
const NUMBER_WORDS = `it must be the number of a part, from 1 to ${MAX_PARTS}`

export const layerNameSchema = z.object({
  digest: z
    .string({ error: DIGEST_WORDS })
    .regex(/^sha256:[0-9a-f]{64}$/u, { error: DIGEST_WORDS })
    .describe('Digest of the layer file in the image archive, compressed or not.'),
  size: z
    .int({ error: LAYER_SIZE_WORDS })
    .nonnegative({ error: LAYER_SIZE_WORDS })
    .describe('Size of the layer file.'),
})

/** Zod reports every invalid element, so a list that is too long is cut first. */
const namedLayersSchema = z.preprocess(
  (value) => (Array.isArray(value) ? value.slice(0, MAX_NAMED_LAYERS + 1) : value),
  z.array(layerNameSchema, { error: LAYERS_WORDS }).max(MAX_NAMED_LAYERS, {
    error: `at most ${MAX_NAMED_LAYERS} layers can be named, because no image has more`,
  }),
)

/** Unknown keys are ignored. */
export const newUploadSchema = z.object(
  {
    purpose: z
      .enum(['task', 'input'], { error: 'it must be "task" or "input"' })
      .describe('`task`: a bundle, imported when it is complete. `input`: for an input of a run.'),
    fileName: z
      .string({ error: NAME_WORDS })
      .max(1024, { error: NAME_WORDS })
      .nullish()
      .describe('For display only.'),
    sizeBytes: z
      .int({ error: SIZE_WORDS })
      .min(1, { error: SIZE_WORDS })
      .max(MAX_UPLOAD_BYTES, { error: SIZE_WORDS })
      .nullish()
      .describe('Optional; verified when the upload is completed.'),
    contentType: z
      .string({ error: TYPE_WORDS })
      .regex(/^[\x20-\x7e]{1,255}$/u, { error: TYPE_WORDS })
      .nullish(),
    layers: namedLayersSchema
      .nullish()
      .describe(
        'Layers of the image in the bundle. The response states which of them the registry has: those may be missing from the image archive.',
      ),
  },
  { error: BODY_WORDS },
)

const partNumber = z
  .int({ error: NUMBER_WORDS })
  .min(1, { error: NUMBER_WORDS })
  .max(MAX_PARTS, { error: NUMBER_WORDS })

export const partRangeSchema = z
  .object(
    { first: partNumber, last: partNumber },
    { error: 'it must be an object such as {"first": 1, "last": 100}' },
  )
  .refine(({ first, last }) => first <= last, { path: ['last'], error: 'it must not be less than first' })
  .refine(({ first, last }) => last - first < MAX_SIGNED_PARTS, {
    path: ['last'],
    error: `one call signs at most ${MAX_SIGNED_PARTS} parts`,
  })
