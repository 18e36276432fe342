import { mapUntilFailure } from '../shared/map-until-failure.ts'

/** Objects that are copied at the same time, below the SDK client's 50 connections. */
const COPIES_AT_ONCE = 20
const LARGE_BYTES = 128 * 1024 * 1024

/** Whether an object is copied alone, because S3 copies it in up to forty ranges in parallel. */
export function isLarge({ sizeBytes }: { readonly sizeBytes: number }): boolean {
  return sizeBytes > LARGE_BYTES
}

/** Copies small objects at the same time, then large ones one after the other. */
export async function copyBySize<Found extends { readonly sizeBytes: number }, Copied>(
  found: readonly Found[],
  copy: (one: Found) => Promise<Copied>,
): Promise<readonly Copied[]> {
  const { large = [], small = [] } = Object.groupBy(found, (one) => (isLarge(one) ? 'large' : 'small'))
  const copied = await mapUntilFailure(small, copy, { concurrency: COPIES_AT_ONCE })
  return [...copied, ...(await mapUntilFailure(large, copy, { concurrency: 1 }))]
}
