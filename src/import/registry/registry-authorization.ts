import { type ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr'
import { RegistryUnavailableError } from './image-registry.ts'
import { registryError } from './registry-error.ts'
import { requestRegistry } from './request-registry.ts'

/** Authorization for a registry, cached. */
export interface RegistryAuthorization {
  /** Value of the Authorization header for requests on a repository; undefined for anonymous requests. */
  header(repository: string): Promise<string | undefined>
  /**
   * Handles status 401 and its challenge (WWW-Authenticate).
   * @returns whether a retry makes sense
   */
  renew(repository: string, refused: RefusedRequest): Promise<boolean>
}

export interface RefusedRequest {
  /** Header of the refused request: another request may have renewed it in the meantime. */
  readonly header: string | undefined
  readonly challenge: string | null
}

/** User name and password of a registry. */
export interface RegistryCredentials {
  readonly username: string
  readonly password: string
}

/**
 * Tokens are valid for 12 hours and renewed this long before they expire, so that no upload starts with an expiring
 * one.
 */
const MARGIN_MS = 30 * 60 * 1000

/** ECR token, cached until shortly before it expires or until it is refused. */
export function createEcrAuthorization(
  ecr: ECRClient,
  now: () => Date = () => new Date(),
): RegistryAuthorization {
  let token = ''
  let renewAt = 0
  let asking: Promise<void> | undefined
  const ask = async (): Promise<void> => {
    const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}))
    const { authorizationToken, expiresAt } = authorizationData?.[0] ?? {}
    if (authorizationToken === undefined) throw new Error('ECR returned no authorization token')
    token = `Basic ${authorizationToken}`
    renewAt = (expiresAt?.getTime() ?? 0) - MARGIN_MS
  }
  return {
    async header() {
      if (now().getTime() < renewAt) return token
      // One call for all requests that start at the same time.
      asking ??= ask().finally(() => {
        asking = undefined
      })
      await asking
      return token
    },
    async renew(_, { header }) {
      if (header === token) renewAt = 0
      return true
    },
  }
}

/**
 * Authorization for other registries: anonymous first, then as the challenge requires, by Basic (RFC 7617) or by a
 * token of the authorization service (https://distribution.github.io/distribution/spec/auth/token/).
 */
export function createChallengeAuthorization(credentials?: RegistryCredentials): RegistryAuthorization {
  const headers = new Map<string, string>()
  const basic =
    credentials &&
    `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
  return {
    header: async (repository) => headers.get(repository),
    async renew(repository, { header, challenge }) {
      if (headers.get(repository) !== header) return true
      const { scheme, parameters } = parseChallenge(challenge ?? '')
      const granted = scheme === 'bearer' ? await askForToken(repository, parameters, basic) : basic
      // Retrying the same credentials is pointless; tokens expire.
      if (granted === undefined || granted === header) return false
      headers.set(repository, granted)
      return true
    },
  }
}

interface Challenge {
  readonly scheme: string
  readonly parameters: Readonly<Record<string, string>>
}

/** Parses a challenge (RFC 9110, 11.6.1); registries send one, with quoted values. */
function parseChallenge(challenge: string): Challenge {
  const [scheme = ''] = /^[a-z]+/iu.exec(challenge) ?? []
  const pairs = challenge.matchAll(/(?<name>[a-z_]+)="(?<value>[^"]*)"/giu)
  return {
    scheme: scheme.toLowerCase(),
    parameters: Object.fromEntries([...pairs].map(({ groups }) => [groups?.name ?? '', groups?.value ?? ''])),
  }
}

async function askForToken(
  repository: string,
  { realm = '', service, scope }: Challenge['parameters'],
  basic: string | undefined,
): Promise<string> {
  const url = URL.parse(realm)
  if (url === null) throw registryError('the challenge of the registry has no valid token URL')
  if (service !== undefined) url.searchParams.set('service', service)
  url.searchParams.set('scope', scope ?? `repository:${repository}:pull,push`)
  const answer = await requestRegistry(url, {
    method: 'GET',
    headers: basic === undefined ? {} : { authorization: basic },
  }).catch((error: unknown) => {
    throw new RegistryUnavailableError(`no response to GET ${url.origin}${url.pathname}`, { cause: error })
  })
  if (answer.status === 429 || answer.status >= 500) {
    throw new RegistryUnavailableError(
      `the registry's authorization service returned status ${answer.status}`,
    )
  }
  const isGiven = answer.status >= 200 && answer.status < 300
  const body = isGiven
    ? (JSON.parse(answer.body.toString()) as { token?: unknown; access_token?: unknown })
    : {}
  const token = body.token ?? body.access_token
  if (typeof token !== 'string') {
    throw registryError(
      `the registry's authorization service returned status ${answer.status} without a token`,
    )
  }
  return `Bearer ${token}`
}
