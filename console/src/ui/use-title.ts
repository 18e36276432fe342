import { useEffect } from 'preact/hooks'

/** Sets the title of the tab, the most specific part first, because tabs show only the beginning. Empty parts are omitted. */
export function useTitle(...parts: readonly (string | undefined)[]): void {
  const title = [...parts.filter(Boolean), 'App Engine'].join(' – ')
  useEffect(() => {
    document.title = title
  }, [title])
}
