import type { Context } from 'hono'
import * as z from 'zod'
import { DomainError } from '../../../src/contract/errors.ts'
import { queryError } from '../../../src/contract/query-error.ts'
import { printable } from '../../../src/contract/quoted.ts'
import { isUuid } from '../../../src/contract/uuid.ts'
import { EVENT_TYPES } from '../../../src/events/event.ts'
import { createWebhook, findWebhook, type WebhookDependencies } from '../../../src/webhook/create-webhook.ts'
import { MAX_URL_LENGTH, type Webhook, type WebhookScope } from '../../../src/webhook/webhook.ts'
import { readJson } from '../json-body.ts'
import { idQuery } from '../query.ts'
import type { Handlers } from '../route-table.ts'

/** Unknown keys are ignored, as everywhere. */
export const newWebhookSchema = z.object({
  url: z.string().min(1).max(MAX_URL_LENGTH),
  types: z.array(z.enum(EVENT_TYPES)).min(1).max(EVENT_TYPES.length).exactOptional(),
  runId: z.string().exactOptional(),
  runSetId: z.string().exactOptional(),
})

/** Webhooks, which extend the contract. */
export function webhookHandlers(deps: WebhookDependencies) {
  return {
    async createWebhook(context) {
      const parsed = newWebhookSchema.safeParse(await readJson(context, 'WEBHOOK_INVALID'))
      if (!parsed.success) throw invalidBody(parsed.error)
      const webhook = await createWebhook(deps, parsed.data)
      return context.json({ ...viewWebhook(webhook), secret: webhook.secret }, 201)
    },

    listWebhooks: async (context) =>
      context.json((await deps.webhooks.list(scopeQuery(context))).map(viewWebhook)),

    getWebhook: async (context) =>
      context.json(viewWebhook(await findWebhook(deps, context.req.param('id')))),

    async deleteWebhook(context) {
      const id = context.req.param('id')
      if (isUuid(id)) await deps.webhooks.remove(id)
      return context.body(null, 204)
    },
  } satisfies Partial<Handlers>
}

/** A webhook without its secret. */
function viewWebhook({ id, url, types, runId, runSetId, createdAt }: Webhook) {
  return { id, url, types: types ?? null, runId: runId ?? null, runSetId: runSetId ?? null, createdAt }
}

function scopeQuery(context: Context): WebhookScope {
  const runId = idQuery(context, 'runId', 'a run')
  const runSetId = idQuery(context, 'runSetId', 'a run set')
  if (runId !== undefined && runSetId !== undefined) {
    throw queryError('runSetId', runSetId, 'expected runId or runSetId, not both')
  }
  return { ...(runId !== undefined && { runId }), ...(runSetId !== undefined && { runSetId }) }
}

function invalidBody({ issues: [issue] }: z.ZodError): DomainError {
  const path = printable(issue?.path.join('.') ?? '', 60)
  const words = `${path || 'body'}: ${printable(issue?.message ?? '')}; expected {"url": "https://…", "types": ["run.finished", …]}`
  return new DomainError('WEBHOOK_INVALID', undefined, { words })
}
