/*
 * Rules for URLs that callers give and that functions then request.
 */

/** Address of the Lambda runtime API: a request to it would consume an event of the function that sends it. */
export const RUNTIME_API = process.env.AWS_LAMBDA_RUNTIME_API

/** Reason to refuse a URL. */
export type UrlFault = 'scheme' | 'credentials'

/** Fault of a URL; undefined for one of the schemes, such as `https`, that has neither user name nor password. */
export function faultOfUrl(url: URL, schemes: readonly string[]): UrlFault | undefined {
  if (!schemes.includes(url.protocol.slice(0, -1))) return 'scheme'
  return url.username !== '' || url.password !== '' ? 'credentials' : undefined
}

/** Whether a URL has the port of the runtime API. Compares ports only: any host name may resolve to this machine. */
export function isReservedPort({ port }: URL, runtimeApi = RUNTIME_API): boolean {
  return runtimeApi !== undefined && port !== '' && port === URL.parse(`http://${runtimeApi}`)?.port
}
