import type { Context } from 'hono'
import * as z from 'zod'

/** Fields of an event's `requestContext` that are read. Emulators omit some. */
const requestContextSchema = z.object({
  requestId: z.string().optional().catch(undefined),
  identity: z.object({ userArn: z.string().nullish() }).optional().catch(undefined),
})

function requestContextOf(context: Context): z.infer<typeof requestContextSchema> {
  const env = context.env as { readonly requestContext?: unknown } | undefined
  return requestContextSchema.safeParse(env?.requestContext).data ?? {}
}

/** API Gateway's request id, also in its access log. */
export function requestIdOf(context: Context): string {
  return requestContextOf(context).requestId ?? crypto.randomUUID()
}

/** Session of a role: `arn:aws:sts::<account>:assumed-role/<role>/<session>`. */
const ROLE_SESSION = /^(arn:[^:]+:sts::\d+:assumed-role\/[^/]+)\/.*$/u

/**
 * ARN of the IAM principal that signed the request; undefined without authentication. All sessions of a role are one principal,
 * because each container of an edge and each login of a person has its own session.
 */
export function callerOf(context: Context): string | undefined {
  const arn = requestContextOf(context).identity?.userArn
  return arn === null || arn === undefined || arn === '' ? undefined : arn.replace(ROLE_SESSION, '$1')
}
