/** Pauses between attempts to push a layer: an import survives a registry outage of 40 s. */
export const OUTAGE_PAUSES_MS: readonly number[] = [2000, 8000, 30_000]
