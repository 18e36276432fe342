import { type ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr'

/** A token is renewed this long before it ends (they live 12 hours), so that no upload begins with a dying one. */
const MARGIN_MS = 30 * 60 * 1000

/** The Authorization header for ECR, asked for once and kept until shortly before it expires. */
export function createEcrAuthorization(
  ecr: ECRClient,
  now: () => Date = () => new Date(),
): () => Promise<string> {
  let header = ''
  let renewAt = 0
  return async () => {
    if (now().getTime() < renewAt) return header
    const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}))
    const { authorizationToken, expiresAt } = authorizationData?.[0] ?? {}
    if (authorizationToken === undefined) throw new Error('ECR gave no authorization token')
    header = `Basic ${authorizationToken}`
    renewAt = (expiresAt?.getTime() ?? 0) - MARGIN_MS
    return header
  }
}
