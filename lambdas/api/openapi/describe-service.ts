import * as z from 'zod'
import { component } from './components.ts'
import { answersJson, type Descriptions } from './description.ts'
import { instant } from './shared-schemas.ts'

const ping = component(
  'Ping',
  z.strictObject({ status: z.literal('UP'), timestamp: instant, service: z.literal('app-engine') }),
)

/** http-api 5.1: the only path that exists outside of the versioned prefix too. */
export const SERVICE_DESCRIPTIONS = {
  getTaskSchema: {
    summary: 'Returns the JSON schema of descriptor.yml',
    description:
      'For editors: `# yaml-language-server: $schema=<address>` in the first line of descriptor.yml. Stricter than an upload in one ' +
      'point: keys without effect are errors.',
    responses: answersJson(
      z.looseObject({ $schema: z.literal('http://json-schema.org/draft-07/schema#') }),
      'A JSON schema, draft 7.',
    ),
  },
  ping: {
    summary: 'Reports that the service is up',
    servers: [{ url: '/' }, { url: '/app-engine/v1' }],
    responses: answersJson(ping, 'The service is up.'),
  },
} satisfies Partial<Descriptions>
