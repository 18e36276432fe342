import * as z from 'zod'
import type { ZodOpenApiOperationObject, ZodOpenApiResponsesObject } from 'zod-openapi'
import type { OperationId } from '../route-table.ts'
import { errorBody, twoKeyError } from './shared-schemas.ts'

/** Groups of operations, in the document's order. */
export const TAGS = {
  tasks: 'Installed tasks, and their import from bundles.',
  uploads: 'Bundles and input files of any size, in parts.',
  runs: 'Runs of tasks: inputs, start, outputs.',
  'run-sets': 'Runs of one task, one for each row of a table.',
  webhooks: 'Addresses that receive events; an extension.',
  stores: 'App stores, from which tasks are installed.',
  stager:
    "For the stager, the engine's own container beside a task, which sends the secret of its run. Not for clients.",
  service: 'The service itself.',
} as const

/** A body by media type. */
export type Content = Readonly<Record<string, z.ZodType>>

/** Description of an operation, without the parts that come from the route table, its path variables and the common responses. */
export interface Description
  extends Pick<ZodOpenApiOperationObject, 'description' | 'requestBody' | 'servers'> {
  readonly summary: string
  /** In addition to those of the path; made by {@link parameter}. */
  readonly parameters?: z.ZodType[]
  readonly responses: ZodOpenApiResponsesObject
}

/** One description for each operation of the route table. */
export type Descriptions = Readonly<Record<OperationId, Description>>

export const JSON_TYPE = 'application/json'
export const MULTIPART_TYPE = 'multipart/form-data'
export const BYTES_TYPE = 'application/octet-stream'

/** Bytes in the form that client generators know: `format: binary`. */
const bytes = z.file()

/** A parameter beside the body; required unless its schema is optional. */
export function parameter(
  place: 'query' | 'header',
  name: string,
  description: string,
  schema: z.ZodType = z.string(),
): z.ZodType {
  return schema.meta({ param: { in: place, name, description } })
}

/** A preference of the client (RFC 7240) that the operation honours. */
export function prefer(preference: string, description: string): z.ZodType {
  const words = `With \`${preference}\`: ${description} Other preferences are ignored.`
  return parameter('header', 'Prefer', words, z.string().optional())
}

/** A required body. */
export function body(content: Content): NonNullable<ZodOpenApiOperationObject['requestBody']> {
  return { required: true, content: contentOf(content) }
}

/** 200 with JSON. */
export function answersJson(schema: z.ZodType, description: string): ZodOpenApiResponsesObject {
  return { 200: { description, content: contentOf({ [JSON_TYPE]: schema }) } }
}

/** 200 without a body. */
export function answersNothing(description: string): ZodOpenApiResponsesObject {
  return { 200: { description } }
}

/** A file to download, of any of the media types, or a range of it. */
export function answersFile(
  description: string,
  ...mediaTypes: readonly string[]
): ZodOpenApiResponsesObject {
  const content = contentOf(Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, bytes])))
  const disposition = { 'content-disposition': header('`attachment` with the name of the file.') }
  return {
    200: { description, content, headers: disposition },
    206: {
      description: 'The requested range. A `Range` header with several ranges is ignored.',
      content,
      headers: { ...disposition, 'content-range': header('First and last byte, and the size of the file.') },
    },
    416: {
      description: 'The file has no byte in the requested range.',
      content: contentOf({ [JSON_TYPE]: errorBody }),
      headers: { 'content-range': header('`bytes *` and the size of the file.') },
    },
    ...REDIRECT,
  }
}

/** API Gateway passes only small texts unchanged; every other body is answered by a redirect. */
export const REDIRECT: ZodOpenApiResponsesObject = {
  302: {
    description:
      'The body is large, or not UTF-8. It is available at another URL for some minutes, with the same headers and ranges.',
    headers: { location: header('A presigned URL; send no other credentials.') },
  },
}

/** Errors by status, with their reasons. */
export function refuses(reasons: Readonly<Record<number, string>>): Record<`${number}`, Refusal> {
  return Object.fromEntries(
    Object.entries(reasons).map(([status, description]) => {
      const schema = status === '403' ? twoKeyError : errorBody
      return [status, { description, content: contentOf({ [JSON_TYPE]: schema }) }]
    }),
  )
}

export const TASK_UNKNOWN = 'No such task, or the id is not a UUID.'
export const RUN_UNKNOWN = 'No such run, or the id is not a UUID.'

interface Refusal {
  readonly description: string
  readonly content: ReturnType<typeof contentOf>
}

function contentOf(content: Content): Record<string, { schema: z.ZodType }> {
  return Object.fromEntries(Object.entries(content).map(([mediaType, schema]) => [mediaType, { schema }]))
}

/** Header of a response. */
export function header(description: string): {
  readonly description: string
  readonly schema: { readonly type: 'string' }
} {
  return { description, schema: { type: 'string' } }
}
