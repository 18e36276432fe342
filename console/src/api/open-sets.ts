/** Fields of a set that change while its runs do. */
export interface SetProgress {
  readonly state: string
  readonly counts: { readonly waiting: number; readonly active: number }
}

/** Whether runs of the set may still change. Those of a cancelled set are ended within about a minute. */
export function isOpen({ state, counts }: SetProgress): boolean {
  return state === 'VALIDATING' || state === 'RUNNING' || counts.active + counts.waiting > 0
}
