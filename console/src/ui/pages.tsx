import { stepTo } from '../router.ts'

interface PagesProps {
  readonly next: string | undefined
  readonly isFirst: boolean
  readonly first: string
  readonly further: string
}

/** Buttons for the pages of a list. The cursor is in the URL, so the browser's back button leads to the previous page. */
export function Pages({ next, isFirst, first, further }: PagesProps) {
  if (next === undefined && isFirst) return null
  return (
    <nav class="pages" aria-label="Pages of the list">
      <button type="button" disabled={isFirst} onClick={() => stepTo({ cursor: undefined })}>
        {first}
      </button>
      <button type="button" disabled={next === undefined} onClick={() => stepTo({ cursor: next })}>
        {further}
      </button>
    </nav>
  )
}
