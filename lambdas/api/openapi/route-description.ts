import { z } from 'zod'
import { errorBody, twoKeyError } from './shared-schemas.ts'

/** Groups of operations, in the document's order. */
export const TAGS = {
  tasks: 'Installed tasks: bundles in, descriptions out.',
  uploads: 'Bundles and input files of any size, in parts.',
  runs: 'Runs of tasks: inputs, start, outputs.',
  stores: 'App stores, which tasks are installed from.',
  stager: "For the engine's own container beside a task, which shows the secret of its run; not for clients.",
  service: 'The service itself.',
} as const

/** A body by media type. */
export type Content = Readonly<Record<string, z.ZodType>>

/** What an operation answers with one status. */
export interface Answer {
  readonly description: string
  readonly content?: Content
  /** Descriptions of headers by name. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A parameter beside the body; required unless it says otherwise. */
export interface RequestParameter {
  readonly in: 'path' | 'query' | 'header'
  readonly name: string
  readonly description: string
  readonly schema: z.ZodType
  readonly isOptional?: boolean
}

/** What the document says of one route; variables of its path and the answer 500 are added to all. */
export interface RouteDescription {
  readonly operationId: string
  readonly tag: keyof typeof TAGS
  readonly summary: string
  readonly description?: string
  /** Beside those of the path. */
  readonly parameters?: readonly RequestParameter[]
  readonly body?: Content
  readonly answers: Readonly<Record<number, Answer>>
  /** Prefixes that the path is below, when it is not the versioned one alone. */
  readonly servers?: readonly string[]
}

/** Descriptions by method and path, variables in braces: `GET /tasks/{id}`. */
export type RouteDescriptions = Readonly<Record<string, RouteDescription>>

export const JSON_TYPE = 'application/json'
export const MULTIPART_TYPE = 'multipart/form-data'
export const BYTES_TYPE = 'application/octet-stream'

/** Bytes as generated clients know them: `format: binary`. */
const bytes = z.file()

/** A preference of the client (RFC 7240) that the operation honours. */
export function prefer(preference: string, description: string): RequestParameter {
  return {
    in: 'header',
    name: 'Prefer',
    description: `With \`${preference}\`: ${description} Others are ignored.`,
    schema: z.string(),
    isOptional: true,
  }
}

/** 200 with JSON. */
export function answersJson(schema: z.ZodType, description: string): RouteDescription['answers'] {
  return { 200: { description, content: { [JSON_TYPE]: schema } } }
}

/** 200 without a body. */
export function answersNothing(description: string): RouteDescription['answers'] {
  return { 200: { description } }
}

/** A file to download, of any of the media types, or a range of it. */
export function answersFile(
  description: string,
  ...mediaTypes: readonly string[]
): RouteDescription['answers'] {
  const content = Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, bytes]))
  const disposition = { 'content-disposition': '`attachment` with the name of the file.' }
  return {
    200: { description, content, headers: disposition },
    206: {
      description: 'The range that a `Range` header asks for; of several ranges, none is taken.',
      content,
      headers: { ...disposition, 'content-range': 'First and last byte, and the size of the file.' },
    },
    416: {
      description: 'The file has no byte in the range that is asked for.',
      content: { [JSON_TYPE]: errorBody },
      headers: { 'content-range': '`bytes *` and the size of the file.' },
    },
    ...REDIRECT,
  }
}

/** How what is no text, or too large for the service, is answered: API Gateway passes on small texts only as they are. */
export const REDIRECT: RouteDescription['answers'] = {
  302: {
    description:
      'The body is large, or is no UTF-8. It lies at another address for some minutes, with the same headers and ranges.',
    headers: { location: 'A presigned URL; to be asked without further credentials.' },
  },
}

/** Errors by status, in words. */
export function refuses(reasons: Readonly<Record<number, string>>): RouteDescription['answers'] {
  return Object.fromEntries(
    Object.entries(reasons).map(([status, description]) => [
      status,
      { description, content: { [JSON_TYPE]: status === '403' ? twoKeyError : errorBody } },
    ]),
  )
}

export const TASK_UNKNOWN = 'No such task, or the id is no UUID.'
export const RUN_UNKNOWN = 'No such run, or the id is no UUID.'
