import type { Identity } from './identity.ts'

/** Returns a function for the milliseconds that remain of a period that starts now; negative after its end. */
export function timeLeft({ now }: Pick<Identity, 'now'>, milliseconds: number): () => number {
  const end = now().getTime() + milliseconds
  return () => end - now().getTime()
}
