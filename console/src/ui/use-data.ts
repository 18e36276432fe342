import { useCallback, useEffect, useState } from 'preact/hooks'

export interface Loaded<Value> {
  /** The last value that was loaded, also during a reload. */
  readonly data: Value | undefined
  readonly error: unknown
  readonly isLoading: boolean
  readonly reload: () => void
}

/** Loads a value, and loads it again when a key changes. Outdated responses are ignored. */
export function useData<Value>(
  load: (signal: AbortSignal) => Promise<Value>,
  keys: readonly unknown[],
): Loaded<Value> {
  const [state, setState] = useState<Omit<Loaded<Value>, 'reload'>>({
    data: undefined,
    error: undefined,
    isLoading: true,
  })
  const [round, setRound] = useState(0)
  const reload = useCallback(() => setRound((last) => last + 1), [])
  // Data that was loaded for other keys must not be shown.
  useEffect(() => setState({ data: undefined, error: undefined, isLoading: true }), keys)
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    load(signal).then(
      (data) => signal.aborted || setState({ data, error: undefined, isLoading: false }),
      (error: unknown) => signal.aborted || setState(({ data }) => ({ data, error, isLoading: false })),
    )
    return () => controller.abort()
  }, [...keys, round])
  return { ...state, reload }
}
