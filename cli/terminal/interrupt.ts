/** Handles Ctrl-C, SIGTERM and the end of the terminal during a part of a command that has to end in its own way. */
export interface Interrupt {
  /** Aborted by the first signal. A second signal, even of another kind, ends the program at once. */
  readonly signal: AbortSignal
  release(): void
}

/** Signals that end the program: Ctrl-C, a request to end, and the end of the terminal. */
export const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export function catchInterrupt(): Interrupt {
  const controller = new AbortController()
  const release = (): void => {
    for (const name of SIGNALS) process.off(name, stop)
  }
  const stop = (): void => {
    release()
    controller.abort()
  }
  for (const name of SIGNALS) process.once(name, stop)
  return { signal: controller.signal, release }
}
