import { type ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr'
import { RegistryUnavailableError } from './image-registry.ts'
import { registryError } from './registry-error.ts'
import { requestRegistry } from './request-registry.ts'

/** Who asks a registry: keeps what was granted. */
export interface RegistryAuthorization {
  /** Value of the Authorization header for requests on a repository; undefined asks without. */
  header(repository: string): Promise<string | undefined>
  /**
   * Tells that a request was refused with 401 and its challenge (WWW-Authenticate).
   * @returns whether asking again makes sense.
   */
  renew(repository: string, refused: RefusedRequest): Promise<boolean>
}

export interface RefusedRequest {
  /** What it was sent with: another request may have got something newer meanwhile. */
  readonly header: string | undefined
  readonly challenge: string | null
}

/** User name and password of a registry. */
export interface RegistryCredentials {
  readonly username: string
  readonly password: string
}

/** A token is renewed this long before it ends (they live 12 hours), so that no upload begins with a dying one. */
const MARGIN_MS = 30 * 60 * 1000

/** ECR's token, asked for once and kept until shortly before it expires or is refused. */
export function createEcrAuthorization(
  ecr: ECRClient,
  now: () => Date = () => new Date(),
): RegistryAuthorization {
  let token = ''
  let renewAt = 0
  return {
    async header() {
      if (now().getTime() < renewAt) return token
      const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}))
      const { authorizationToken, expiresAt } = authorizationData?.[0] ?? {}
      if (authorizationToken === undefined) throw new Error('ECR gave no authorization token')
      token = `Basic ${authorizationToken}`
      renewAt = (expiresAt?.getTime() ?? 0) - MARGIN_MS
      return token
    },
    async renew(_, { header }) {
      if (header === token) renewAt = 0
      return true
    },
  }
}

/**
 * Any other registry: first without credentials, then as its challenge asks, by Basic (RFC 7617) or by a token of its
 * authorization service (https://distribution.github.io/distribution/spec/auth/token/).
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
      // The same credentials once more would get the same answer; tokens end.
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

/** RFC 9110, 11.6.1; registries send one challenge, its values quoted. */
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
  if (url === null) throw registryError('the registry does not tell where its tokens come from')
  if (service !== undefined) url.searchParams.set('service', service)
  url.searchParams.set('scope', scope ?? `repository:${repository}:pull,push`)
  const answer = await requestRegistry(url, {
    method: 'GET',
    headers: basic === undefined ? {} : { authorization: basic },
  }).catch((error: unknown) => {
    throw new RegistryUnavailableError(`no answer to GET ${url.origin}${url.pathname}`, { cause: error })
  })
  if (answer.status === 429 || answer.status >= 500) {
    throw new RegistryUnavailableError(`the registry's authorization service answers ${answer.status}`)
  }
  const isGiven = answer.status >= 200 && answer.status < 300
  const body = isGiven
    ? (JSON.parse(answer.body.toString()) as { token?: unknown; access_token?: unknown })
    : {}
  const token = body.token ?? body.access_token
  if (typeof token !== 'string') {
    throw registryError(`the registry's authorization service answers ${answer.status} and no token`)
  }
  return `Bearer ${token}`
}
