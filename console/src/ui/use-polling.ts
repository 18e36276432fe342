import { useEffect, useRef, useState } from 'preact/hooks'
import type { Loaded } from './use-data.ts'

/** Whether the tab is shown. */
function useIsShown(): boolean {
  const [isShown, setIsShown] = useState(!document.hidden)
  useEffect(() => {
    const listen = (): void => setIsShown(!document.hidden)
    listen()
    document.addEventListener('visibilitychange', listen)
    return () => document.removeEventListener('visibilitychange', listen)
  }, [])
  return isShown
}

/** Calls a function when the tab is shown again. */
export function useReturn(onReturn: () => unknown): void {
  const isShown = useIsShown()
  const wasShown = useRef(isShown)
  useEffect(() => {
    if (isShown && !wasShown.current) onReturn()
    wasShown.current = isShown
  }, [isShown])
}

/**
 * Loads data again after a pause while the tab is shown, and when it is shown again.
 * @param pauseMs undefined for data that does not change
 */
export function usePolling({ data, error, reload }: Loaded<unknown>, pauseMs: number | undefined): void {
  const isShown = useIsShown()
  useReturn(reload)
  useEffect(() => {
    if (pauseMs === undefined || !isShown) return undefined
    const timer = setTimeout(reload, pauseMs)
    return () => clearTimeout(timer)
  }, [data, error, pauseMs, isShown])
}
