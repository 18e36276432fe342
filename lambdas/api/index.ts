import { createApiDependencies } from '../../src/runtime/dependencies.ts'
import { readEnvironment } from '../../src/runtime/environment.ts'
import { createHandler } from './handler.ts'

/** Every route of the contract, behind API Gateway's Lambda proxy. */
export const handler = createHandler(createApiDependencies(readEnvironment('api')))
