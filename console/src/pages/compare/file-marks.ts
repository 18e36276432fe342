import type { Difference } from './difference.ts'

/** Size and tag of a file, which tell it from another one without reading both. */
export interface FileMark {
  readonly sizeBytes: number
  /** The MD5 of a file that was stored in one piece; of one that was stored in parts, it depends on the parts. */
  readonly etag: string
}

/** Compares two files; without a mark of each, nothing is known. */
export function differenceOfFiles(one: FileMark | undefined, other: FileMark | undefined): Difference {
  if (one === undefined || other === undefined) return 'unknown'
  if (one.sizeBytes !== other.sizeBytes) return 'some'
  if (one.etag === other.etag) return 'none'
  return one.etag.includes('-') || other.etag.includes('-') ? 'unknown' : 'some'
}
