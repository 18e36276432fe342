import { stringify } from 'yaml'
import * as z from 'zod'
import {
  createDocument,
  type oas31,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
} from 'zod-openapi'
import { IDEMPOTENCY_KEY } from '../../../src/contract/idempotency.ts'
import { takesKey } from '../idempotent.ts'
import { type OperationId, ROUTE_LIST } from '../route-table.ts'
import { CONSOLE_DESCRIPTIONS } from './describe-console.ts'
import { PROVISION_DESCRIPTIONS } from './describe-provisions.ts'
import { RUN_LIST_DESCRIPTIONS } from './describe-run-lists.ts'
import { RUN_SET_DESCRIPTIONS } from './describe-run-sets.ts'
import { SERVICE_DESCRIPTIONS } from './describe-service.ts'
import { STAGING_DESCRIPTIONS } from './describe-staging.ts'
import { STORE_DESCRIPTIONS } from './describe-stores.ts'
import { TASK_RUN_DESCRIPTIONS } from './describe-task-runs.ts'
import { TASK_DESCRIPTIONS } from './describe-tasks.ts'
import { UPLOAD_DESCRIPTIONS } from './describe-uploads.ts'
import { WEBHOOK_DESCRIPTIONS } from './describe-webhooks.ts'
import { type Description, type Descriptions, parameter, refuses, TAGS } from './description.ts'

const DESCRIPTIONS: Descriptions = {
  ...TASK_DESCRIPTIONS,
  ...UPLOAD_DESCRIPTIONS,
  ...STORE_DESCRIPTIONS,
  ...STAGING_DESCRIPTIONS,
  ...PROVISION_DESCRIPTIONS,
  ...TASK_RUN_DESCRIPTIONS,
  ...RUN_LIST_DESCRIPTIONS,
  ...CONSOLE_DESCRIPTIONS,
  ...RUN_SET_DESCRIPTIONS,
  ...WEBHOOK_DESCRIPTIONS,
  ...SERVICE_DESCRIPTIONS,
}

const UUID = { $ref: '#/components/schemas/Uuid' }
const TEXT = { type: 'string' } as const

/** Variables of paths, by the first segment of the path. */
const PATH_VARIABLES: Readonly<
  Record<string, Readonly<Record<string, Pick<oas31.ParameterObject, 'description' | 'schema'>>>>
> = {
  tasks: {
    id: { description: 'Id of the task.', schema: UUID },
    namespace: { description: 'Namespace of the task.', schema: TEXT },
    version: { description: 'Version of the task.', schema: TEXT },
  },
  'task-runs': {
    id: { description: 'Id of the run.', schema: UUID },
    parameter: {
      description: 'Name of the parameter; letter case is ignored if only one parameter matches.',
      schema: TEXT,
    },
    secret: { description: 'Secret of the run.', schema: TEXT },
  },
  'run-sets': { id: { description: 'Id of the run set.', schema: UUID } },
  uploads: { id: { description: 'Id of the upload.', schema: UUID } },
  stores: { id: { description: 'Id of the store.', schema: UUID } },
  webhooks: { id: { description: 'Id of the webhook.', schema: UUID } },
}

const DESCRIPTION = [
  'API of the App Engine for Cytomine core and other clients.',
  'Paths are relative to `/app-engine/v1`, except `/ping`, which is at the root as well; repeated slashes count as one. ' +
    'A path that is not in this document returns 404, a method that its path does not have 405, both with an ' +
    '`Error`.',
  'Every error is an `Error`, except status 403: a `TwoKeyError`. ' +
    'Errors of the network or of a gateway may have another form. Unknown keys in requests are ignored.',
  'A stage is either private, reached through a VPC endpoint without credentials, or requires AWS signatures (`sigV4`). ' +
    'The operations tagged `stager` require the secret of their run, which only the container beside the task knows.',
].join('\n\n')

/** Responses of every operation: refusals by the gateway, refusals of foreign pages, and internal errors. */
export const COMMON_ANSWERS = refuses({
  403: 'The stage does not allow this caller, or a browser sent the request for a page of another origin.',
  429: 'Too many calls: retry later.',
  500: 'The service failed; `details` name the request.',
})

/** Header of operations that create something (ADR 24). */
const KEY_HEADER = parameter(
  'header',
  'Idempotency-Key',
  'Makes the call safe to repeat. For 24 hours, the same key with the same path, query and body gets the response of the first call that ' +
    'succeeded, with a header `Idempotent-Replayed: true`; for a multipart body, the content of the first file counts. While the first call is ' +
    'in progress, the response is 409 `APPE-idempotency-key-in-use` with `Retry-After`. A refused or failed call releases its key.',
  z.string().regex(IDEMPOTENCY_KEY).optional(),
)

const KEY_ANSWERS = refuses({
  400: 'The `Idempotency-Key` is empty, too long, or has other characters than printable ASCII.',
  409: 'A call with the same `Idempotency-Key` is in progress.',
  422: 'The `Idempotency-Key` belongs to a call with another path, query or body.',
})

/** Allowed callers depend on the stage (docs/deployment.md, "access"). */
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

/** The whole document. */
export function buildOpenApiDocument(): oas31.OpenAPIObject {
  const paths: ZodOpenApiPathsObject = {}
  for (const { id, method, path } of ROUTE_LIST) {
    const template = path.replace(/:(\w+)/gu, '{$1}')
    paths[template] = {
      ...paths[template],
      [method.toLowerCase()]: operationOf(id, path, DESCRIPTIONS[id]),
    }
  }
  return createDocument({
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
    components: { securitySchemes: SECURITY_SCHEMES },
  })
}

/** The committed document. */
export function openApiText(): string {
  const options = { aliasDuplicateObjects: false, blockQuote: 'literal', lineWidth: 110 } as const
  const text = stringify(buildOpenApiDocument(), options)
  return `# Generated by npm run openapi: change lambdas/api/openapi instead.\n${text}`
}

function operationOf(
  operationId: OperationId,
  path: string,
  { parameters = [], responses, ...described }: Description,
): ZodOpenApiOperationObject {
  const isKeyed = takesKey(operationId)
  const all = [...pathVariables(path), ...parameters, ...(isKeyed ? [KEY_HEADER] : [])]
  return {
    operationId,
    tags: [tagOf(path)],
    ...described,
    ...(all.length > 0 && { parameters: all }),
    responses: { ...COMMON_ANSWERS, ...(isKeyed && KEY_ANSWERS), ...responses },
  }
}

/** Tags of operations by the first segment of their path, where they do not belong to runs. */
const TAG_OF: Readonly<Record<string, keyof typeof TAGS>> = {
  tasks: 'tasks',
  schema: 'tasks',
  uploads: 'uploads',
  stores: 'stores',
  'run-sets': 'run-sets',
  webhooks: 'webhooks',
  placement: 'tasks',
  ping: 'service',
}

function tagOf(path: string): keyof typeof TAGS {
  if (/\/staging\/|:secret/u.test(path)) return 'stager'
  return TAG_OF[path.split('/')[1] ?? ''] ?? 'runs'
}

function pathVariables(path: string): readonly oas31.ParameterObject[] {
  const [, resource = ''] = path.split('/')
  return [...path.matchAll(/:(\w+)/gu)].map(([, name = '']) => {
    const described = PATH_VARIABLES[resource]?.[name]
    if (described === undefined) throw new Error(`PATH_VARIABLES has no ${name}, a variable of ${path}`)
    return { in: 'path', name, required: true, ...described }
  })
}
