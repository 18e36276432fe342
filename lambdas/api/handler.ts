import type { APIGatewayProxyEvent } from 'aws-lambda'
import { handle, type LambdaEvent } from 'hono/aws-lambda'
import { createApp, createStagerApp } from './app.ts'
import type { ApiDependencies } from './dependencies.ts'

/** A resource of API Gateway that only the stagers' API has (lib/constructs/rest-api.ts). */
const FOR_STAGERS = /\/staging\//u

/**
 * Answers requests that API Gateway hands on. Those of the stagers' API meet the staging routes only, whatever their path says:
 * API Gateway matches a path as it was sent, and here `staging/../../../tasks` would have become another route.
 */
export function createHandler(deps: ApiDependencies) {
  const callers = handle(createApp(deps))
  const stagers = handle(createStagerApp(deps))
  return async (event: LambdaEvent & Pick<APIGatewayProxyEvent, 'resource'>) =>
    await (FOR_STAGERS.test(event.resource) ? stagers : callers)(event)
}
