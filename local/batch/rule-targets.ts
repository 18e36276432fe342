import {
  type EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  type Target,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge'
import * as z from 'zod'
import { pagesOf } from '../../src/shared/pages.ts'

/** An event on the bus; only the members that delivery uses are named. */
export interface BusEvent {
  readonly id: string
  readonly source: string
}

interface Rule {
  readonly name: string
  readonly pattern: string
}

/** Sources given as patterns (`prefix` …) are matched by the emulator. */
const sourcesSchema = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      context.addIssue('not JSON')
      return z.NEVER
    }
  })
  .pipe(z.object({ source: z.array(z.string()) }))

/** Lambda invokes a function for an event at most three times. */
const MAX_TRIES = 3
/**
 * Lifetime of the cached rules. EventBridge takes longer to apply a change, and listing the rules before each event of a burst
 * takes longer than its delivery.
 */
const RULES_KNOWN_MS = 500
/** Exceeds the time limit of every function of the service. */
const INVOKE_TIMEOUT_MS = 900_000

/**
 * Delivers events like the bus: to the Lambda targets of every matching rule; the emulator evaluates the patterns. PutEvents
 * would be simpler, but emulators reserve sources that start with `aws.`, as AWS does (MiniStack 1.5.33 answers
 * NotAuthorizedForSourceException), and another source would not test the deployed rule. Functions are called synchronously:
 * events stay in order, and one warm process handles all of them.
 * @param endpoint address of the emulator
 */
export function createRuleDelivery(
  client: EventBridgeClient,
  endpoint: string,
  warn: (text: string) => void,
  now: () => number = Date.now,
): (event: BusEvent) => Promise<void> {
  let known: { readonly rules: Promise<readonly Rule[]>; readonly until: number } | undefined

  function rulesNow(): Promise<readonly Rule[]> {
    if (known === undefined || now() > known.until) {
      known = { rules: Array.fromAsync(enabledRules(client)), until: now() + RULES_KNOWN_MS }
      // The next event reads the rules again.
      known.rules.catch(() => {
        known = undefined
      })
    }
    return known.rules
  }

  return async (event) => {
    const functionArns = await findFunctions(client, await rulesNow(), event, warn)
    for (const functionArn of functionArns) await invoke(endpoint, functionArn, event, warn)
  }
}

async function findFunctions(
  client: EventBridgeClient,
  rules: readonly Rule[],
  event: BusEvent,
  warn: (text: string) => void,
): Promise<string[]> {
  const functionArns: string[] = []
  for (const { name, pattern } of rules) {
    if (isOfOtherSource(pattern, event)) continue
    const test = new TestEventPatternCommand({ EventPattern: pattern, Event: JSON.stringify(event) })
    if (!(await client.send(test)).Result) continue
    for await (const target of targetsOf(client, name)) {
      const { Arn = '', Input, InputPath, InputTransformer } = target
      const isPlain = Input === undefined && InputPath === undefined && InputTransformer === undefined
      if (Arn.includes(':lambda:') && isPlain) functionArns.push(Arn)
      else warn(`target ${Arn} of rule ${name} is skipped: only functions with the plain event are supported`)
    }
  }
  return functionArns
}

/** Avoids most calls of the emulator: a rule that lists sources by name, but not this one, cannot match. */
function isOfOtherSource(pattern: string, { source }: BusEvent): boolean {
  const sources = sourcesSchema.safeParse(pattern).data?.source
  return sources !== undefined && !sources.includes(source)
}

async function* enabledRules(client: EventBridgeClient): AsyncGenerator<Rule> {
  const pages = pagesOf(
    (NextToken) => client.send(new ListRulesCommand({ NextToken })),
    ({ NextToken }) => NextToken,
  )
  for await (const { Rules = [] } of pages) {
    for (const { Name, EventPattern, State } of Rules) {
      if (Name !== undefined && EventPattern !== undefined && State === 'ENABLED') {
        yield { name: Name, pattern: EventPattern }
      }
    }
  }
}

async function* targetsOf(client: EventBridgeClient, Rule: string): AsyncGenerator<Target> {
  const pages = pagesOf(
    (NextToken) => client.send(new ListTargetsByRuleCommand({ Rule, NextToken })),
    ({ NextToken }) => NextToken,
  )
  for await (const { Targets = [] } of pages) yield* Targets
}

/**
 * @throws Error when the emulator did not respond. After three failures of the function the event is dropped.
 */
async function invoke(
  endpoint: string,
  functionArn: string,
  event: BusEvent,
  warn: (text: string) => void,
): Promise<void> {
  const url = new URL(`/2015-03-31/functions/${encodeURIComponent(functionArn)}/invocations`, endpoint)
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const answer = await fetch(url, {
      method: 'POST',
      body: JSON.stringify(event),
      headers: { 'content-type': 'application/json', 'x-amz-invocation-type': 'RequestResponse' },
      signal: AbortSignal.timeout(INVOKE_TIMEOUT_MS),
    })
    const text = await answer.text()
    if (answer.status === 404) return warn(`${functionArn} does not exist: event ${event.id} is dropped`)
    if (!answer.ok) throw new Error(`${functionArn} answered ${answer.status}: ${text.slice(0, 300)}`)
    if (!answer.headers.has('x-amz-function-error')) return
    warn(`${functionArn} failed on event ${event.id} (${tries} of ${MAX_TRIES}): ${text.slice(0, 300)}`)
  }
}
