import { readEnvironment } from '../../src/contract/environment.ts'
import { createApiDependencies } from '../../src/runtime/dependencies.ts'
import { knownHostsOf } from '../../src/shared/foreign-requests.ts'
import { createHandler } from './handler.ts'

const environment = readEnvironment('api')

/** Every route of the contract, behind API Gateway's Lambda proxy. */
export const handler = createHandler(createApiDependencies(environment), knownHostsOf(environment.knownHosts))
