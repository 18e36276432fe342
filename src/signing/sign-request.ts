import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { Hash } from '@smithy/hash-node'
import { SignatureV4 } from '@smithy/signature-v4'
import { wirePath } from './wire-path.ts'

/** A request to an API with IAM authorization. */
export interface UnsignedRequest {
  readonly method: string
  /** Value of the Host header. */
  readonly host: string
  /** Path with query. */
  readonly path: string
  /** The whole body, which the signature covers; empty when absent. */
  readonly body?: Uint8Array
}

/** Path and headers to be sent for the signature to be valid. */
export interface SignedRequest {
  /** Path in the spelling that the signature covers. */
  readonly path: string
  /** Headers to be sent. Others may be added unsigned, so that proxies can change them. */
  readonly headers: Readonly<Record<string, string>>
}

/** Signs one request with the current credentials. */
export type SignRequest = (request: UnsignedRequest) => Promise<SignedRequest>

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface SignerOptions {
  readonly region: string
  /** Called for every request; the provider caches and renews. Default: the credential chain of the AWS SDK. */
  readonly credentials?: () => Promise<Credentials>
  readonly now?: () => Date
}

const SERVICE = 'execute-api'

/** Signature Version 4 in headers. Covers `host` and the headers that it adds. */
export function createSigner({
  region,
  credentials = defaultProvider(),
  now = () => new Date(),
}: SignerOptions): SignRequest {
  const signer = new SignatureV4({
    service: SERVICE,
    region,
    credentials,
    sha256: Hash.bind(null, 'sha256'),
    // No header with the body's digest, which only S3 requires.
    applyChecksum: false,
  })
  return async ({ method, host, path, body }) => {
    const spelt = wirePath(path)
    const [pathname = '/', query] = spelt.split('?')
    const signed = await signer.sign(
      {
        method,
        protocol: 'https:',
        hostname: host,
        path: pathname,
        query: queryOf(query),
        headers: { host },
        ...(body === undefined ? {} : { body }),
      },
      { signingDate: now() },
    )
    const { host: _host, ...headers } = signed.headers
    return { path: spelt, headers }
  }
}

/** Host names of API Gateway for one API in one Region, VPC endpoints included. */
const GATEWAY_HOST = /\bexecute-api\.([a-z0-9-]+)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$/u

/**
 * Region of an API: from its host name, or from AWS_REGION for custom domain names.
 * @throws Error when neither gives it
 */
export function regionOf(api: URL, environment: Readonly<Record<string, string | undefined>>): string {
  const region =
    GATEWAY_HOST.exec(api.hostname)?.[1] ?? (environment.AWS_REGION || environment.AWS_DEFAULT_REGION)
  if (region) return region
  throw new Error(`the host name ${api.hostname} does not contain the API's Region: set AWS_REGION`)
}

/** @param query in its final spelling */
function queryOf(query: string | undefined): Record<string, string[]> {
  const values: Record<string, string[]> = Object.create(null)
  for (const pair of query?.split('&') ?? []) {
    const [name = '', value = ''] = pair.split('=').map(decodeURIComponent)
    values[name] = [...(values[name] ?? []), value]
  }
  return values
}
