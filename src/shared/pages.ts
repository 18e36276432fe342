import { isDeepStrictEqual } from 'node:util'

/**
 * Pages of a listing, one call each. The SDK's paginators continue while there is a token, but some services send one with the last page,
 * such as ListParts of S3.
 * @param fetchPage fetches the page of a token; undefined requests the first page
 * @param nextToken token of the next page; undefined when the response marks this page as the last
 * @throws Error when the service repeats a token, because the listing would not end
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
    // The end is marked by no token, null, an empty text or an empty key.
    if (next === undefined || Object.keys(next).length === 0) return
    if (isDeepStrictEqual(next, token)) {
      throw new Error(`the service returned the page token ${JSON.stringify(token)} twice`)
    }
    token = next
  }
}

/**
 * Token of the next page of an S3 listing; S3 may send one with the last page.
 * @throws Error when a truncated page has no token, because the listing would start over
 */
export function s3TokenAfter(
  isTruncated: boolean | undefined,
  token: string | undefined,
): string | undefined {
  if (isTruncated !== true) return undefined
  if (token === undefined || token === '')
    throw new Error('S3 truncated a listing without a token for the next page')
  return token
}
