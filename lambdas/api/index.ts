import { handle } from 'hono/aws-lambda'
import { createApiDependencies } from '../../src/runtime/dependencies.ts'
import { readEnvironment } from '../../src/runtime/environment.ts'
import { createApp } from './app.ts'

/** Every route of the contract, behind API Gateway's Lambda proxy. */
export const handler = handle(createApp(createApiDependencies(readEnvironment('api'))))
