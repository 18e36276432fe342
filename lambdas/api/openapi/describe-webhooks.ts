import * as z from 'zod'
import { EVENT_TYPES } from '../../../src/events/event.ts'
import { newWebhookSchema } from '../routes/webhooks.ts'
import { component } from './components.ts'
import { answersJson, body, type Descriptions, JSON_TYPE, parameter, refuses } from './description.ts'
import { instant, uuid } from './shared-schemas.ts'

const shape = {
  id: uuid,
  url: z
    .string()
    .describe(
      'Receives events by POST. In normal form (WHATWG): `https:Example.org` is shown as `https://example.org/`.',
    ),
  types: z.array(z.enum(EVENT_TYPES)).nullable().describe('Types of events that it receives; null: all.'),
  runId: z.string().nullable().describe('Receives events of this run only.'),
  runSetId: z.string().nullable().describe('Receives events of this run set and of its runs only.'),
  createdAt: instant,
}

const webhook = component('Webhook', z.strictObject(shape))
const createdWebhook = component(
  'CreatedWebhook',
  z.strictObject({
    ...shape,
    secret: z
      .string()
      .regex(/^whsec_[A-Za-z0-9+/=]{44}$/u)
      .describe('Key of the signatures (Standard Webhooks). No other response contains it.'),
  }),
)

/** An extension of the contract. docs/events.md documents the requests to receivers. */
export const WEBHOOK_DESCRIPTIONS = {
  createWebhook: {
    summary: 'Adds a webhook (extension)',
    description:
      'Every event of the stage, of a run, or of a run set and its runs is sent to the URL by POST, signed according to Standard Webhooks. Failed deliveries are repeated for 20 hours. Webhooks of a run or a run set are kept for 90 days. Unknown keys are ignored.',
    requestBody: body({ [JSON_TYPE]: component('NewWebhook', newWebhookSchema) }),
    responses: {
      201: {
        description: 'The new webhook, with its secret.',
        content: { [JSON_TYPE]: { schema: createdWebhook } },
      },
      ...refuses({
        400: 'The body is not JSON, a type is unknown, or the URL is not an https URL of a public host without user name, password and fragment.',
        404: 'No such run or run set.',
        409: 'The stage, the run or the run set has 20 webhooks already.',
      }),
    },
  },
  listWebhooks: {
    summary: 'Lists webhooks (extension)',
    description:
      'Webhooks of the stage or, with `runId` or `runSetId`, of that run or run set. Oldest first.',
    parameters: [
      parameter('query', 'runId', 'Lists the webhooks of this run.', uuid.optional()),
      parameter('query', 'runSetId', 'Lists the webhooks of this run set.', uuid.optional()),
    ],
    responses: {
      ...answersJson(z.array(webhook), 'At most 20 webhooks.'),
      ...refuses({ 400: 'An id has another form, or both `runId` and `runSetId` are given.' }),
    },
  },
  getWebhook: {
    summary: 'Describes a webhook (extension)',
    responses: {
      ...answersJson(webhook, 'The webhook, without its secret.'),
      ...refuses({ 404: 'No such webhook.' }),
    },
  },
  deleteWebhook: {
    summary: 'Deletes a webhook (extension)',
    description: 'Events that have not been delivered to it are discarded.',
    responses: { 204: { description: 'The webhook does not exist, or was deleted.' } },
  },
} satisfies Partial<Descriptions>
