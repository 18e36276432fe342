import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { createSigner, regionOf } from '../src/signing/sign-request.ts'
import { createSignedFetch } from '../src/signing/signed-fetch.ts'

/** A word of the user's about signing that cannot be followed. */
export class AuthError extends Error {
  override readonly name = 'AuthError'
}

/** What `--auth` says when it is not given. */
export const DEFAULT_AUTH = process.env.API_AUTH || 'none'

/**
 * The `fetch` for a service that asks nobody (`none`), or for IAM credentials (`iam`), which are looked for where the AWS SDKs do.
 * @throws AuthError
 */
export async function fetchWith(auth: string, url: string): Promise<typeof fetch> {
  if (auth === 'none') return fetch
  if (auth !== 'iam') throw new AuthError(`--auth takes none or iam, not "${auth}"`)
  const credentials = defaultProvider()
  try {
    await credentials()
    return createSignedFetch(createSigner({ region: regionOf(new URL(url), process.env), credentials }))
  } catch (error) {
    throw new AuthError(`requests cannot be signed: ${error instanceof Error ? error.message : error}`)
  }
}
