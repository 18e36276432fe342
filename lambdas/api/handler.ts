import type { APIGatewayProxyResult } from 'aws-lambda'
import type { KnownHosts } from '../../src/shared/foreign-requests.ts'
import { type ApiDependencies, createApp, createStagerApp } from './app.ts'
import { type GatewayEvent, requestOf, resultOf } from './gateway-event.ts'

/** Matches resources that only the stagers' API has (lib/constructs/rest-api.ts). */
const FOR_STAGERS = /\/staging\//u

/**
 * Answers API Gateway's events. Requests of the stagers' API reach only the staging routes, whatever their path: API Gateway matches
 * the path as it was sent, before dot segments are resolved.
 */
export function createHandler(deps: ApiDependencies, knownHosts: KnownHosts = 'any') {
  const callers = createApp(deps, knownHosts)
  const stagers = createStagerApp(deps)
  return async (event: GatewayEvent): Promise<APIGatewayProxyResult> => {
    const app = FOR_STAGERS.test(event.resource) ? stagers : callers
    return resultOf(await app.fetch(requestOf(event), { requestContext: event.requestContext }))
  }
}
