import type { Identity } from './identity.ts'

/** Milliseconds that remain of a time that begins now; negative when it is up. */
export function timeLeft({ now }: Pick<Identity, 'now'>, milliseconds: number): () => number {
  const end = now().getTime() + milliseconds
  return () => end - now().getTime()
}
