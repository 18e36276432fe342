import { stepTo } from '../router.ts'

interface PagesProps {
  readonly next: string | undefined
  readonly isFirst: boolean
  readonly first: string
  readonly further: string
}

/** Buttons to the pages of a list, whose cursor is in the address. The browser's back leads to the page before. */
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
