import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { Hash } from '@smithy/hash-node'
import { SignatureV4 } from '@smithy/signature-v4'
import { wirePath } from './wire-path.ts'

/** A request to an API that asks for IAM credentials. */
export interface UnsignedRequest {
  readonly method: string
  /** As the Host header will have it. */
  readonly host: string
  /** With its query. */
  readonly path: string
  /** Whole, since the signature covers it; empty when absent. */
  readonly body?: Uint8Array
}

/** What has to be sent for the signature to hold. */
export interface SignedRequest {
  /** In the spelling that was signed. */
  readonly path: string
  /** To be sent beside any others, which a proxy on the way may change. */
  readonly headers: Readonly<Record<string, string>>
}

/** Signs one request, with the credentials of this moment. */
export type SignRequest = (request: UnsignedRequest) => Promise<SignedRequest>

/** What a signature is made with. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface SignerOptions {
  readonly region: string
  /** Asked for every request: it keeps what is valid and renews what expires. The default chain of the AWS SDKs. */
  readonly credentials?: () => Promise<Credentials>
  readonly now?: () => Date
}

const SERVICE = 'execute-api'

/** Signs with Signature Version 4, in headers: only `host` and those that it adds itself are covered. */
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
    // A header that repeats the body's digest, which only S3 wants.
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

/** Names that API Gateway has for one API in one Region, a VPC endpoint's included. */
const GATEWAY_HOST = /\bexecute-api\.([a-z0-9-]+)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$/u

/**
 * Region of an API: as its own host name says, otherwise (an API may have a name of its user's) from AWS_REGION.
 * @throws Error when neither tells it
 */
export function regionOf(api: URL, environment: Readonly<Record<string, string | undefined>>): string {
  const region =
    GATEWAY_HOST.exec(api.hostname)?.[1] ?? (environment.AWS_REGION || environment.AWS_DEFAULT_REGION)
  if (region) return region
  throw new Error(`the host name ${api.hostname} does not tell the API's Region: set AWS_REGION`)
}

/** @param query In its final spelling. */
function queryOf(query: string | undefined): Record<string, string[]> {
  const values: Record<string, string[]> = Object.create(null)
  for (const pair of query?.split('&') ?? []) {
    const [name = '', value = ''] = pair.split('=').map(decodeURIComponent)
    values[name] = [...(values[name] ?? []), value]
  }
  return values
}
