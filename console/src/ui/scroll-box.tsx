import type { ComponentChildren, RefObject } from 'preact'

interface ScrollBoxProps {
  /** Name for screen readers. */
  readonly label: string
  readonly class: string
  readonly id?: string
  readonly boxRef?: RefObject<HTMLElement | null>
  readonly onScroll?: (event: { readonly currentTarget: HTMLElement }) => void
  readonly children: ComponentChildren
}

/** Text that may be longer than its box. It is focusable, so that it can be scrolled by keyboard. */
export function ScrollBox({ label, boxRef, children, ...others }: ScrollBoxProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard (axe: scrollable-region-focusable)
    <section {...others} {...(boxRef === undefined ? {} : { ref: boxRef })} aria-label={label} tabIndex={0}>
      {children}
    </section>
  )
}
