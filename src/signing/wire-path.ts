import { decoded } from '../contract/decoded.ts'

/**
 * Canonical spelling of path and query for signer and verifier: segments, names and values percent-encoded by RFC 3986,
 * no empty and no dot segments. Services normalize other spellings in different ways before they verify.
 * @param path as the client wrote it, starting with `/`
 * @example wirePath('/a//b c/%2f?q=1+2') // '/a/b%20c/%2F?q=1%202'
 */
export function wirePath(path: string): string {
  const queryAt = path.indexOf('?')
  const pathname = queryAt === -1 ? path : path.slice(0, queryAt)
  const query = queryAt === -1 ? '' : path.slice(queryAt + 1)
  const pairs = query.split('&').filter((pair) => pair !== '')
  return spellPath(pathname) + (pairs.length === 0 ? '' : `?${pairs.map(spellPair).join('&')}`)
}

function spellPath(pathname: string): string {
  const kept: string[] = []
  for (const segment of pathname.split('/').map(decoded)) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(encode(segment))
  }
  // A trailing slash is significant.
  return `/${kept.join('/')}${kept.length > 0 && pathname.endsWith('/') ? '/' : ''}`
}

function spellPair(pair: string): string {
  const equalsAt = pair.indexOf('=')
  const [name, value] = equalsAt === -1 ? [pair, ''] : [pair.slice(0, equalsAt), pair.slice(equalsAt + 1)]
  return [name, value].map((text) => encode(decoded(text.replaceAll('+', ' ')))).join('=')
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/gu,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
