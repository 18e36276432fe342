import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { createSigner, regionOf } from '../src/signing/sign-request.ts'
import { createSignedFetch } from '../src/signing/signed-fetch.ts'

/** Invalid `--auth`, or credentials that cannot be loaded. */
export class AuthError extends Error {
  override readonly name = 'AuthError'
}

/** Default of `--auth`. */
export const DEFAULT_AUTH = process.env.API_AUTH || 'none'

/**
 * `fetch` without authentication (`none`), or signed with IAM credentials from the default chain of the AWS SDK (`iam`).
 * @throws AuthError
 */
export async function fetchWith(auth: string, url: string): Promise<typeof fetch> {
  if (auth === 'none') return fetch
  if (auth !== 'iam') throw new AuthError(`--auth is "${auth}"; expected none or iam`)
  const credentials = defaultProvider()
  try {
    await credentials()
    return createSignedFetch(createSigner({ region: regionOf(new URL(url), process.env), credentials }))
  } catch (error) {
    throw new AuthError(`requests cannot be signed: ${error instanceof Error ? error.message : error}`)
  }
}
