/** Between attempts to send a layer to a registry that is away: an outage of 40 seconds costs no import. */
export const OUTAGE_PAUSES_MS: readonly number[] = [2000, 8000, 30_000]
