import { z } from 'zod'
import { component } from './components.ts'
import { answersJson, type RouteDescriptions } from './route-description.ts'
import { instant } from './shared-schemas.ts'

const ping = component(
  'Ping',
  z.strictObject({ status: z.literal('UP'), timestamp: instant, service: z.literal('app-engine') }),
)

/** http-api 5.1: the one path that is outside the versioned prefix too. */
export const SERVICE_DESCRIPTIONS: RouteDescriptions = {
  'GET /ping': {
    tag: 'service',
    operationId: 'ping',
    summary: 'Tells that the service is up',
    servers: ['/', '/app-engine/v1'],
    answers: answersJson(ping, 'It is up.'),
  },
}
