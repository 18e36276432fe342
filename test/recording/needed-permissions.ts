import { type Caller, type NeededPermission, type SentRequest, unknown } from './needed-permission.ts'
import { OPERATIONS } from './operation-permissions.ts'
import { neededOfRegistry } from './registry-permissions.ts'
import { neededOfS3, neededOfS3ForNotFound } from './s3-permissions.ts'

/*
 * Permissions that a request to AWS needs, by the Service Authorization Reference
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/). Only requests of this project are known.
 */

/** Whether the permissions depend on the request body. */
export function needsBody({ method, url, headers }: Omit<SentRequest, 'body'>): boolean {
  const service = serviceOf({ url, headers })
  if (service === undefined) return false
  return service === 's3' ? method === 'POST' && url.searchParams.has('delete') : true
}

/** Permissions of the request; none when it is not sent to AWS. */
export function neededPermissions(request: SentRequest, caller: Caller): readonly NeededPermission[] {
  const service = serviceOf(request)
  if (service === undefined)
    return request.url.pathname.startsWith('/v2/') ? neededOfRegistry(request, caller) : []
  if (service === 's3') return neededOfS3(request)
  const name = operationOf(request)
  const operation = OPERATIONS[`${service}:${name}`]
  if (operation === undefined) return unknown(`${service}:${name}`)
  const arn = (resource: string) => `arn:aws:${service}:${caller.region}:${caller.account}:${resource}`
  return operation(JSON.parse(request.body || '{}'), arn, caller)
}

/** Additional permissions for a response of "not found". */
export function neededForNotFound(request: SentRequest): readonly NeededPermission[] {
  return serviceOf(request) === 's3' ? neededOfS3ForNotFound(request) : []
}

/** The service in the signature's scope. */
function serviceOf({ url, headers }: Pick<SentRequest, 'url' | 'headers'>): string | undefined {
  const scope =
    url.searchParams.get('X-Amz-Credential') ?? /Credential=([^,]+)/u.exec(headers.authorization ?? '')?.[1]
  return scope?.split('/').at(3)
}

/** Operation of the JSON protocols: in a header, or at the end of the path. */
function operationOf({ url, headers }: SentRequest): string {
  return headers['x-amz-target']?.split('.').at(-1) ?? url.pathname.split('/').at(-1) ?? ''
}
