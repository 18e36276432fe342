/** Calls again and again, this many seconds apart, until the returned function is called; keeps no process alive. */
export function repeat(seconds: number, work: () => Promise<void>): () => void {
  const timer = setInterval(() => void work(), seconds * 1000)
  timer.unref()
  return () => clearInterval(timer)
}
