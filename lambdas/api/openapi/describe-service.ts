import * as z from 'zod'
import { component } from './components.ts'
import { answersJson, type Descriptions } from './description.ts'
import { instant } from './shared-schemas.ts'

const ping = component(
  'Ping',
  z.strictObject({ status: z.literal('UP'), timestamp: instant, service: z.literal('app-engine') }),
)

/** http-api 5.1: the one path that is outside the versioned prefix too. */
export const SERVICE_DESCRIPTIONS = {
  ping: {
    tag: 'service',
    summary: 'Tells that the service is up',
    servers: [{ url: '/' }, { url: '/app-engine/v1' }],
    responses: answersJson(ping, 'It is up.'),
  },
} satisfies Partial<Descriptions>
