/** Pattern of the service's ids, without anchors: a UUID in lower case. */
export const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'

const WHOLE = new RegExp(`^${UUID}$`, 'u')

/** Whether a text has the form of the service's ids. Others are unknown ids rather than invalid ones (http-api 3.2). */
export function isUuid(text: string): boolean {
  return WHOLE.test(text)
}
