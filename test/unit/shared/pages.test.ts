import { describe, expect, it } from 'vitest'
import { pagesOf, s3TokenAfter } from '../../../src/shared/pages.ts'

interface Page {
  readonly next?: string | null
}

/**
 * Reads a listing with these pages.
 * @returns the tokens of its requests
 */
async function askedTokens(...script: Page[]): Promise<(string | undefined)[]> {
  const asked: (string | undefined)[] = []
  const fetchPage = async (token: string | undefined): Promise<Page> => {
    asked.push(token)
    return script[asked.length - 1] ?? {}
  }
  for await (const _ of pagesOf(fetchPage, ({ next }) => next));
  return asked
}

describe('pages of a listing', () => {
  it('are requested with the token of the previous page', async () => {
    expect(await askedTokens({ next: 'a' }, { next: 'b' }, {})).toEqual([undefined, 'a', 'b'])
  })

  it.each([
    ['no token', {}],
    ['null', { next: null }],
    ['an empty text', { next: '' }],
  ])('end with %s', async (_, last) => {
    expect(await askedTokens({ next: 'a' }, last)).toEqual([undefined, 'a'])
  })

  it('end with an empty key, which DynamoDB may return with the last page', async () => {
    let calls = 0
    const fetchPage = async (_token: Record<string, string> | undefined) => {
      calls += 1
      return { key: calls === 1 ? { pk: 'a' } : {} }
    }

    await Array.fromAsync(pagesOf(fetchPage, ({ key }): Record<string, string> => key))

    expect(calls).toBe(2)
  })

  it('fail when the service repeats its token, because they would not end', async () => {
    await expect(askedTokens({ next: 'a' }, { next: 'a' })).rejects.toThrow('"a"')
  })

  it('are requested only as far as the caller reads', async () => {
    let calls = 0
    const fetchPage = async () => {
      calls += 1
      return { next: String(calls) }
    }

    for await (const { next } of pagesOf(fetchPage, (page) => page.next)) if (next === '3') break

    expect(calls).toBe(3)
  })
})

describe('the next page of an S3 listing', () => {
  it.each([false, undefined])(
    'does not exist while IsTruncated is %s, whatever the token is',
    (truncated) => {
      expect(s3TokenAfter(truncated, '7')).toBeUndefined()
    },
  )

  it('is requested with the token of a truncated page', () => {
    expect(s3TokenAfter(true, '7')).toBe('7')
    expect(() => s3TokenAfter(true, undefined)).toThrow('without a token')
  })
})
