/** A request as it leaves a process. */
export interface SentRequest {
  readonly method: string
  readonly url: URL
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Given where `needsBody` says so. */
  readonly body?: string
}

/** One action on one resource, with what a policy's conditions may ask for. */
export interface NeededPermission {
  readonly action: string
  readonly resource: string
  readonly context?: Readonly<Record<string, string>>
}

/** Where the caller works; ARNs are composed of it. */
export interface Caller {
  readonly region: string
  readonly account: string
  /** Whose token an answer to Step Functions carries: the token itself does not say. */
  readonly stateMachineArn?: string
  /** Whose jobs it ends: their tags are not in the request. */
  readonly installation?: string
}

/** For a request that is not known here: no policy allows it, so that a new call cannot slip through. */
export function unknown(what: string): readonly NeededPermission[] {
  return [{ action: `unknown:${what}`, resource: '*' }]
}
