import { isDeepStrictEqual } from 'node:util'

/**
 * Pages of a listing, one call each, until the service says that there are no more. The SDK's own paginators go on while there is
 * a token, and some services send one with the last page: ListParts of S3 does.
 * @param fetchPage gets the page at a token; undefined asks for the first page, or for the one after `start`
 * @param nextToken token of the page that follows; undefined when the service's description calls this page the last
 * @throws Error when the service repeats a token: the listing would never end
 */
export async function* pagesOf<Page, Token extends string | object = string>(
  fetchPage: (token: Token | undefined) => Promise<Page>,
  nextToken: (page: Page) => Token | null | undefined,
  start?: Token,
): AsyncGenerator<Page, void, undefined> {
  let token = start
  for (;;) {
    const page = await fetchPage(token)
    yield page
    const next = nextToken(page) ?? undefined
    // Services mark the end by no token, null, an empty text or an empty key.
    if (next === undefined || Object.keys(next).length === 0) return
    if (isDeepStrictEqual(next, token)) {
      throw new Error(`the service answered page ${JSON.stringify(token)} with the same page token again`)
    }
    token = next
  }
}

/**
 * Token of the next page of an S3 listing, whose pages name a next one also when it does not exist.
 * @throws Error when the page is cut off and names none: asking without a token would begin anew
 */
export function s3TokenAfter(
  isTruncated: boolean | undefined,
  token: string | undefined,
): string | undefined {
  if (isTruncated !== true) return undefined
  if (token === undefined || token === '')
    throw new Error('S3 cut a listing off without a token of its next page')
  return token
}
