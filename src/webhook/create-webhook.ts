import { DomainError } from '../contract/errors.ts'
import type { EventType } from '../events/event.ts'
import { findRun } from '../run/find-run.ts'
import type { RunRepository } from '../run/run-repository.ts'
import type { RunSetRepository } from '../run/set/run-set-repository.ts'
import { findRunSet } from '../run-set/describe-run-set.ts'
import { hasRefusedAddress, type ReachableNetworks } from '../shared/guarded-address.ts'
import type { Identity } from '../shared/identity.ts'
import { faultOfUrl, isReservedPort } from '../shared/outgoing-url.ts'
import { createSecret, MAX_URL_LENGTH, MAX_WEBHOOKS, type Webhook, type WebhookScope } from './webhook.ts'
import type { WebhookRepository } from './webhook-repository.ts'

export interface WebhookDependencies {
  readonly identity: Identity
  readonly runs: RunRepository
  readonly sets: RunSetRepository
  readonly webhooks: WebhookRepository
  /** Networks of receivers. */
  readonly webhookNetworks: ReachableNetworks
}

/** Request for a new webhook. */
export interface NewWebhook extends WebhookScope {
  readonly url: string
  readonly types?: readonly EventType[]
}

/**
 * Adds a webhook with a new secret.
 * @throws DomainError WEBHOOK_INVALID, WEBHOOK_LIMIT; RUN_NOT_FOUND or RUN_SET_NOT_FOUND for an unknown subject
 */
export async function createWebhook(
  deps: WebhookDependencies,
  { url, types, ...scope }: NewWebhook,
): Promise<Webhook> {
  const target = requireTarget(url, deps.webhookNetworks)
  await requireSubject(deps, scope)
  const { webhooks, identity } = deps
  if ((await webhooks.subscriptions(scope)).length >= MAX_WEBHOOKS) throw new DomainError('WEBHOOK_LIMIT')
  const webhook: Webhook = {
    id: identity.uuid(),
    url: target,
    ...(types && { types: [...new Set(types)] }),
    ...scope,
    secret: createSecret(),
    createdAt: identity.now().toISOString(),
  }
  await webhooks.create(webhook)
  return webhook
}

/** @throws DomainError WEBHOOK_NOT_FOUND */
export async function findWebhook(
  { webhooks }: Pick<WebhookDependencies, 'webhooks'>,
  webhookId: string,
): Promise<Webhook> {
  const webhook = await webhooks.find(webhookId)
  if (webhook === undefined) throw new DomainError('WEBHOOK_NOT_FOUND')
  return webhook
}

/** Schemes of receivers: without TLS only on this machine and in its networks. */
export function schemesOf(networks: ReachableNetworks): readonly string[] {
  return networks === 'local' ? ['http', 'https'] : ['https']
}

/**
 * Checks a URL by its text. Names are resolved only at each delivery, so that callers cannot use them to probe networks.
 * @returns the URL in the normal form of the WHATWG, which is the one that is requested: `https:0x7f.1` means `https://127.0.0.1/`
 */
function requireTarget(text: string, networks: ReachableNetworks): string {
  const url = URL.parse(text)
  if (url === null) throw invalid('url: expected a URL such as https://example.org/hook')
  const fault = faultOfUrl(url, schemesOf(networks))
  if (fault === 'scheme') {
    throw invalid(`url: the scheme ${url.protocol.slice(0, -1)} is not supported; expected https`)
  }
  if (fault === 'credentials') {
    throw invalid('url: has a user name or a password; expected none, since receivers check the signature')
  }
  if (url.hash !== '') throw invalid('url: has a fragment, which is never sent; expected none')
  if (hasRefusedAddress(url, networks) || isReservedPort(url)) {
    throw invalid('url: the address is not reachable from here; expected a public host')
  }
  // Percent-encoding makes a URL longer.
  if (url.href.length > MAX_URL_LENGTH) {
    throw invalid(`url: has ${url.href.length} characters when encoded; expected at most ${MAX_URL_LENGTH}`)
  }
  return url.href
}

async function requireSubject(deps: WebhookDependencies, { runId, runSetId }: WebhookScope): Promise<void> {
  if (runId !== undefined && runSetId !== undefined) {
    throw invalid('runId and runSetId: expected one of them, or neither for all events of the stage')
  }
  if (runId !== undefined) await findRun(deps, runId)
  if (runSetId !== undefined) await findRunSet(deps, runSetId)
}

function invalid(words: string): DomainError {
  return new DomainError('WEBHOOK_INVALID', undefined, { words })
}
