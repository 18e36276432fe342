import { useEffect, useState } from 'preact/hooks'
import { decoded } from '../../src/contract/decoded.ts'

/**
 * Route within the page. It is stored in the fragment of the URL, so that the server needs only one page, under any prefix.
 */
export interface Place {
  /** Decoded segments: `['runs', id]`. */
  readonly segments: readonly string[]
  readonly query: URLSearchParams
}

type Query = Readonly<Record<string, string | undefined>>

function placeOf(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/u, '').split(/\?(.*)/su)
  return {
    segments: path
      .split('/')
      .filter((segment) => segment !== '')
      .map(decoded),
    query: new URLSearchParams(query),
  }
}

/** URL of a place, for links. */
export function addressOf(segments: readonly string[], query: Query = {}): string {
  const path = segments.map(encodeURIComponent).join('/')
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') search.set(name, value)
  return `#/${path}${search.size === 0 ? '' : `?${search}`}`
}

export function go(address: string): void {
  location.hash = address
}

/** Changes part of the query without a new entry in the history, so that the browser's back button leaves the page. */
export function changeQuery(changes: Query): void {
  const { segments, query } = placeOf(location.hash)
  const next = addressOf(segments, { ...Object.fromEntries(query), ...changes })
  if (next === location.hash) return
  history.replaceState(null, '', next)
  dispatchEvent(new HashChangeEvent('hashchange'))
}

/** Changes the query as {@link changeQuery} does, and adds an entry to the history. */
export function stepTo(changes: Query): void {
  const { segments, query } = placeOf(location.hash)
  go(addressOf(segments, { ...Object.fromEntries(query), ...changes }))
}

/** The current place; the component is rendered again when it changes. */
export function usePlace(): Place {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    const listen = (): void => setHash(location.hash)
    addEventListener('hashchange', listen)
    return () => removeEventListener('hashchange', listen)
  }, [])
  return placeOf(hash)
}
