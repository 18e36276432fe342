import type { SignRequest } from './sign-request.ts'

/**
 * `fetch` for an API with IAM authorization. Bodies are buffered, since the signature covers them. Redirects are
 * followed without the signature: they lead to presigned URLs, and the session token is for the API alone.
 */
export function createSignedFetch(sign: SignRequest): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const url = new URL(request.url)
    const body = request.body === null ? undefined : new Uint8Array(await request.arrayBuffer())
    const { path, headers: signature } = await sign({
      method: request.method,
      host: url.host,
      path: url.pathname + url.search,
      ...(body === undefined ? {} : { body }),
    })
    const headers = new Headers(request.headers)
    for (const [name, value] of Object.entries(signature)) headers.set(name, value)
    const { method, signal } = request
    const sent = {
      method,
      headers,
      signal,
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
    } as const
    const answer = await fetch(new URL(path, url), sent)
    const location = answer.headers.get('location')
    if (method !== 'GET' || answer.status < 300 || answer.status >= 400 || location === null) return answer
    await answer.body?.cancel()
    return fetch(new URL(location, url), { signal })
  }
}
