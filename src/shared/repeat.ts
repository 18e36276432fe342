/** Calls `work` at this interval until the returned function is called. The timer does not keep the process alive. */
export function repeat(seconds: number, work: () => Promise<void>): () => void {
  const timer = setInterval(() => void work(), seconds * 1000)
  timer.unref()
  return () => clearInterval(timer)
}
