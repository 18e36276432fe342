import { stringify } from 'yaml'
import type { Direction } from './components.ts'
import { PROVISION_DESCRIPTIONS } from './describe-provisions.ts'
import { SERVICE_DESCRIPTIONS } from './describe-service.ts'
import { STAGING_DESCRIPTIONS } from './describe-staging.ts'
import { STORE_DESCRIPTIONS } from './describe-stores.ts'
import { TASK_RUN_DESCRIPTIONS } from './describe-task-runs.ts'
import { TASK_DESCRIPTIONS } from './describe-tasks.ts'
import { UPLOAD_DESCRIPTIONS } from './describe-uploads.ts'
import { pathVariables } from './path-variables.ts'
import {
  type Answer,
  type Content,
  type RequestParameter,
  type RouteDescription,
  type RouteDescriptions,
  refuses,
  TAGS,
} from './route-description.ts'
import { createSchemaWriter, type SchemaWriter } from './schema-writer.ts'

/** Every route, in the document's order. */
const ROUTES: RouteDescriptions = {
  ...TASK_DESCRIPTIONS,
  ...UPLOAD_DESCRIPTIONS,
  ...TASK_RUN_DESCRIPTIONS,
  ...PROVISION_DESCRIPTIONS,
  ...STORE_DESCRIPTIONS,
  ...STAGING_DESCRIPTIONS,
  ...SERVICE_DESCRIPTIONS,
}

const DESCRIPTION = [
  "What Cytomine's core and other clients may ask of the App Engine.",
  'Paths are relative to `/app-engine/v1`, except `/ping`, which is at the root as well; repeated slashes count as one. ' +
    'A path that is not in this document is answered by 404, a method that its path does not have by 405, both with an ' +
    '`Error`.',
  'Every error is an `Error`, but for status 403: a `TwoKeyError`. ' +
    'Failures on the way, in the network or in a gateway, may look otherwise. Unknown keys in requests are ignored.',
  'A stage is either private, reached through a VPC endpoint without credentials, or asks for AWS signatures (`sigV4`). ' +
    'The operations tagged `stager` ask for the secret of their run in the path, which only the container beside the task knows.',
].join('\n\n')

/** What any operation may answer, whatever it does: the gateway's refusals, those of foreign pages, and failures. */
export const COMMON_ANSWERS = refuses({
  403: 'The stage does not let this caller in, or a browser sent the request for a page of another site.',
  429: 'The stage takes no more calls at the moment: repeat this one later.',
  500: 'The service failed; `details` name the request.',
})

/** Who may call depends on the stage (docs/deployment.md, "access"). */
const SECURITY_SCHEMES = {
  sigV4: {
    type: 'apiKey',
    in: 'header',
    name: 'Authorization',
    'x-amazon-apigateway-authtype': 'awsSigv4',
    description:
      'Stages with access `iam`: AWS Signature Version 4 for the service `execute-api`, by credentials that may call ' +
      '`execute-api:Invoke`. Stages with access `private` are protected by the VPC endpoint that leads to them, and an edge ' +
      'signs for its clients: there, no header is needed.',
  },
} as const

/** A document in the form of OpenAPI 3.1, as far as its readers here look. */
export interface OpenApiDocument {
  readonly openapi: string
  readonly servers: readonly { readonly url: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, object>>
    readonly securitySchemes: object
  }
  readonly [key: string]: unknown
}

interface Parameter {
  readonly in: string
  readonly name: string
  readonly [key: string]: unknown
}

interface Operation {
  readonly operationId: string
  readonly servers?: readonly { readonly url: string }[]
  readonly parameters?: readonly Parameter[]
  readonly responses: Readonly<Record<string, OperationAnswer>>
  readonly [key: string]: unknown
}

/** What is said of one status: without `content` the body is empty, without `schema` anything. */
export interface OperationAnswer {
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>
  readonly [key: string]: unknown
}

/** The whole document, from the descriptions of the routes. */
export function buildOpenApiDocument(): OpenApiDocument {
  const schemas = createSchemaWriter()
  const paths: Record<string, Record<string, Operation>> = {}
  for (const [route, described] of Object.entries(ROUTES)) {
    const [method = '', path = ''] = route.split(' ')
    const operations = paths[path] ?? {}
    operations[method.toLowerCase()] = writeOperation(schemas, path, described)
    paths[path] = operations
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Cytomine App Engine',
      version: '1',
      description: DESCRIPTION,
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/app-engine/v1' }],
    security: [{}, { sigV4: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: { securitySchemes: SECURITY_SCHEMES, schemas: schemas.finish() },
  }
}

/** The document as it is committed. */
export function openApiText(): string {
  const options = { aliasDuplicateObjects: false, blockQuote: 'literal', lineWidth: 110 } as const
  const text = stringify(buildOpenApiDocument(), options)
  return `# Generated by npm run openapi: change lambdas/api/openapi instead.\n${text}`
}

function writeOperation(schemas: SchemaWriter, path: string, described: RouteDescription): Operation {
  const { operationId, tag, summary, description, parameters = [], body, answers, servers } = described
  const written = [...pathVariables(path), ...parameters].map((one) => writeParameter(schemas, one))
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...(servers !== undefined && { servers: servers.map((url) => ({ url })) }),
    ...(written.length > 0 && { parameters: written }),
    ...(body !== undefined && {
      requestBody: { required: true, content: writeContent(schemas, body, 'input') },
    }),
    responses: Object.fromEntries(
      Object.entries({ ...COMMON_ANSWERS, ...answers }).map(([status, answer]) => [
        status,
        writeAnswer(schemas, answer),
      ]),
    ),
  }
}

function writeParameter(
  schemas: SchemaWriter,
  { in: place, name, description, schema, isOptional = false }: RequestParameter,
): Parameter {
  return { in: place, name, required: !isOptional, description, schema: schemas.write(schema, 'input') }
}

function writeAnswer(schemas: SchemaWriter, { description, headers, content }: Answer): OperationAnswer {
  const written = Object.entries(headers ?? {}).map(([name, text]) => [
    name,
    { description: text, schema: { type: 'string' } },
  ])
  return {
    description,
    ...(written.length > 0 && { headers: Object.fromEntries(written) }),
    ...(content !== undefined && { content: writeContent(schemas, content, 'output') }),
  }
}

function writeContent(schemas: SchemaWriter, content: Content, direction: Direction): Record<string, object> {
  const entries = Object.entries(content).map(([mediaType, schema]) => [
    mediaType,
    { schema: schemas.write(schema, direction) },
  ])
  return Object.fromEntries(entries)
}
