/** A request of a process. */
export interface SentRequest {
  readonly method: string
  readonly url: URL
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Present when `needsBody` requires it. */
  readonly body?: string
}

/** One action on one resource, with the values for a policy's conditions. */
export interface NeededPermission {
  readonly action: string
  readonly resource: string
  readonly context?: Readonly<Record<string, string>>
}

/** Account and Region of the caller, for ARNs. */
export interface Caller {
  readonly region: string
  readonly account: string
  /** State machine whose tokens the function completes; the token does not name it. */
  readonly stateMachineArn?: string
  /** Prefix of the installation whose jobs the function ends; the request has no tags. */
  readonly installation?: string
}

/** For an unknown request: no policy allows it, so the replay fails. */
export function unknown(what: string): readonly NeededPermission[] {
  return [{ action: `unknown:${what}`, resource: '*' }]
}
