import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { RunState } from '../api/types.ts'
import { formatDuration, formatExactTime, formatTime, secondsBetween } from './format.ts'
import { STATE_KINDS } from './run-states.ts'

/** Components that all pages share. */

/** A time in the local zone; the exact one on hover. */
export function Time({ at }: { readonly at: string }) {
  const date = new Date(at)
  return (
    <time dateTime={at} title={formatExactTime(date)}>
      {formatTime(date)}
    </time>
  )
}

/** Time between two instants; counts up while the second one is undefined. */
export function Duration({ from, to }: { readonly from: string; readonly to?: string | undefined }) {
  useTick(to === undefined)
  const seconds = secondsBetween(from, to)
  return <span class="number">{formatDuration(to === undefined ? Math.floor(seconds) : seconds)}</span>
}

/** Renders the component again every second. */
export function useTick(isActive: boolean): void {
  const [, setTick] = useState(0)
  useEffect(() => {
    if (!isActive) return undefined
    const timer = setInterval(() => setTick((last) => last + 1), 1000)
    return () => clearInterval(timer)
  }, [isActive])
}

const MEANINGS: Readonly<Record<RunState, string>> = {
  CREATED: 'Inputs are missing',
  PROVISIONED: 'Has its inputs, but has not been started',
  QUEUING: 'Being submitted',
  QUEUED: 'Waiting in the queue',
  PENDING: 'Waiting for its machine',
  RUNNING: 'Running',
  FAILED: 'Ended without valid outputs',
  FINISHED: 'Has its outputs',
}

export function State({ state }: { readonly state: RunState }) {
  return (
    <span class={`state state-${STATE_KINDS[state]}`} title={MEANINGS[state]}>
      {state.toLowerCase()}
    </span>
  )
}

interface EmptyProps {
  readonly title: string
  /** Whether the page has no other content; the title is its heading then. */
  readonly isWhole?: boolean
  readonly children?: ComponentChildren
}

/** Placeholder of an empty list or page, with what to do. */
export function Empty({ title, isWhole = false, children }: EmptyProps) {
  return (
    <div class="empty">
      {isWhole ? <h1 class="empty-title">{title}</h1> : <p class="empty-title">{title}</p>}
      {children}
    </div>
  )
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <p class="loading" role="status">
      Loading {what} …
    </p>
  )
}

interface CopyProps {
  readonly text: string
  readonly label: string
}

export function CopyButton({ text, label }: CopyProps) {
  const [isCopied, setIsCopied] = useState(false)
  // Browsers allow access to the clipboard only with TLS or on localhost.
  if (!isSecureContext) return null
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text)
    setIsCopied(true)
    setTimeout(() => setIsCopied(false), 2000)
  }
  return (
    <button type="button" class="quiet small" onClick={() => void copy()} aria-label={label}>
      {isCopied ? 'Copied' : 'Copy'}
    </button>
  )
}

interface TabsProps<Name extends string> {
  readonly label: string
  readonly tabs: readonly { readonly name: Name; readonly title: string }[]
  readonly chosen: Name
  readonly onChoose: (name: Name) => void
}

/** A row of buttons, of which one is pressed. */
export function Choices<Name extends string>({ label, tabs, chosen, onChoose }: TabsProps<Name>) {
  return (
    <fieldset class="choices" aria-label={label}>
      {tabs.map(({ name, title }) => (
        <button key={name} type="button" aria-pressed={name === chosen} onClick={() => onChoose(name)}>
          {title}
        </button>
      ))}
    </fieldset>
  )
}
